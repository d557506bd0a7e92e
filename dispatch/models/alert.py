from django.db import models
from django.db.models import Q

from offers.encryption import SecretField


class AlertChannel(models.Model):
    """Where alerts go: some people's mailboxes, or a webhook such as Slack's."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook (Slack-compatible)"

    class Tone(models.TextChoices):
        BAD = "bad", "Only what stops money"
        WARN = "warn", "Everything"

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.EMAIL)
    addresses = models.TextField("e-mail addresses", blank=True, help_text="One a line, or separated by commas.")
    webhook_url = SecretField(
        "webhook address",
        blank=True,
        default="",
        help_text="Whoever knows it can write there, so it is encrypted and not shown again.",
    )
    least_tone = models.CharField("which alerts", max_length=4, choices=Tone, default=Tone.WARN)
    is_active = models.BooleanField("active", default=True)
    last_ok_at = models.DateTimeField("last delivered", null=True, blank=True, editable=False)
    last_error_at = models.DateTimeField("last failed", null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """Something that was found wrong, from the moment it was found until it was so no more."""

    key = models.CharField(max_length=100, help_text="Code, scope and subject: what makes it the same alert.")
    code = models.CharField(max_length=30)
    scope = models.CharField(max_length=10)
    subject_id = models.BigIntegerField(null=True, blank=True)
    subject = models.CharField(max_length=150, blank=True)
    tone = models.CharField(max_length=4)
    title = models.CharField(max_length=300)
    words = models.TextField()
    link = models.CharField(max_length=300, blank=True)
    began_at = models.DateTimeField("began")
    seen_at = models.DateTimeField("last found", help_text="When it was last found to be still so.")
    ended_at = models.DateTimeField("ended", null=True, blank=True)
    told_at = models.DateTimeField("told", null=True, blank=True)
    end_told_at = models.DateTimeField("end told", null=True, blank=True)
    told_size = models.PositiveBigIntegerField(default=0, help_text="How many it was about when it was told.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(ended_at=None), name="one_open_alert_of_a_kind")
        ]
        # Used every minute, by what tells that something is over.
        indexes = [
            models.Index(fields=["ended_at"], name="alert_end", condition=Q(ended_at__isnull=False, end_told_at=None))
        ]

    def __str__(self) -> str:
        return self.title


class AlertMessage(models.Model):
    """One message to one channel: several alerts at once, tried until it is delivered or too old to be of use."""

    channel = models.ForeignKey(AlertChannel, models.CASCADE, related_name="messages")
    alerts = models.ManyToManyField(Alert, related_name="messages")
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created_at = models.DateTimeField("written")
    due_at = models.DateTimeField("next try", null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField("delivered", null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        # Used by the sender of alerts, every time it looks.
        indexes = [models.Index(fields=["due_at"], name="alert_message_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return self.subject


class Watch(models.Model):
    """One row: when the site was last looked over for what is wrong, by whichever process."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    looked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Looked over at {self.looked_at}"
