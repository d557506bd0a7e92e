from django.db import models

from conversions.models.click import Click, Consent
from offers.models import Offer


class ConsentRecord(models.Model):
    """One answer of a visitor, with where it came from: the proof that TikTok was told, or not, as they wished."""

    click = models.ForeignKey(Click, models.CASCADE, related_name="consent_records")
    # Of the click; here too, so that one offer's answers are listed without reading everybody's.
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="+", db_index=False)
    state = models.CharField("answer", max_length=9, choices=Consent)
    source = models.CharField(max_length=30, help_text="Who told us: the banner, a consent tool, a link, a person.")
    was_required = models.BooleanField("required", help_text="Whether the offer's policy asked for it at that time.")
    was_overtaken = models.BooleanField(
        "overtaken",
        default=False,
        help_text="The visitor had given a newer answer, which came first: this one was not put in force.",
    )
    page_url = models.TextField("page", blank=True)
    created_at = models.DateTimeField("answered")

    class Meta:
        ordering = ["-created_at"]
        permissions = [("export_consentrecord", "Can export answers about consent")]
        indexes = [
            # Used by the list of answers, newest first, alone and of one offer.
            models.Index(fields=["-created_at"], name="consent_newest"),
            models.Index(fields=["offer", "-created_at"], name="consent_newest_for_offer"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}, click {self.click_id}"
