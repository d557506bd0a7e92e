from django.conf import settings
from django.db import models


class Erasure(models.Model):
    """A person's data wiped on request. Only a keyed digest of what named them is kept, so that they stay away."""

    class Subject(models.TextChoices):
        CLICK = "click", "Click id"
        EMAIL = "email", "E-mail"
        PHONE = "phone", "Phone number"
        EXTERNAL_ID = "external_id", "External id"

    subject = models.CharField("named by", max_length=11, choices=Subject)
    key = models.CharField(
        max_length=64, help_text="HMAC-SHA256 of the click id or digest, under a key that is not in the database."
    )
    clicks = models.PositiveIntegerField(default=0)
    conversions = models.PositiveIntegerField(default=0)
    told_before = models.PositiveIntegerField(
        "told before", default=0, help_text="Events that TikTok had accepted already and that can't be called back."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField("erased")

    class Meta:
        ordering = ["-id"]
        permissions = [("erase_visitor", "Can erase a visitor's data")]
        indexes = [
            # Used by everything that takes a digest in, to keep an erased person away.
            models.Index(fields=["key"], name="erasure_by_key"),
        ]

    def __str__(self) -> str:
        return f"Erasure {self.pk}"
