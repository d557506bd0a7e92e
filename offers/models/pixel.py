from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

from offers.vocabulary import PIXEL_CODE_PATTERN


class PixelQuerySet(models.QuerySet["Pixel"]):
    def sending(self) -> "PixelQuerySet":
        """Pixels that may be sent to: nobody and nothing has paused them."""
        return self.filter(paused_by=Pixel.PausedBy.NOBODY)


class Pixel(models.Model):
    """A TikTok event source that conversions are reported to."""

    class Environment(models.TextChoices):
        DEVELOPMENT = "development", "Development"
        STAGING = "staging", "Staging"
        PRODUCTION = "production", "Production"

    class PausedBy(models.TextChoices):
        NOBODY = "", "Not paused"
        AUTH = "auth", "TikTok refused the credential"
        STAFF = "staff", "Paused by staff"

    name = models.CharField(max_length=100)
    code = models.CharField(
        "pixel code",
        max_length=40,
        unique=True,
        validators=[RegexValidator(PIXEL_CODE_PATTERN, "A pixel code has 8 to 40 capital letters and digits.")],
        help_text="As Events Manager shows it, for example C4ABCDEF1234567890AB.",
    )
    environment = models.CharField(
        max_length=12,
        choices=Environment,
        default=Environment.PRODUCTION,
        help_text="Events of a development or staging pixel carry the test event code, so TikTok never counts them.",
    )
    test_event_code = models.CharField(
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"^[A-Za-z0-9_-]+$", "A test event code has letters and digits only.")],
        help_text="From Events Manager, Test events. A production pixel uses it for credential tests and test "
        "conversions only.",
    )
    max_requests_per_second = models.DecimalField(
        "most requests per second",
        max_digits=7,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="How often TikTok is called for this pixel, by all workers together. Empty means the site's usual "
        "rate. When TikTok asks for rest, less is used until it recovers.",
    )
    max_events_per_second = models.DecimalField(
        "most events per second",
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="A cap for launches: no more conversions than this are told per second, and the rest waits in the "
        "queue. Empty means no cap.",
    )
    paused_by = models.CharField(max_length=5, choices=PausedBy, default=PausedBy.NOBODY, blank=True, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_reason = models.CharField(max_length=300, blank=True, editable=False)
    resumed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PixelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        permissions = [("pause_pixel", "Can pause and resume sending to a pixel")]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    def clean(self) -> None:
        if self.environment != self.Environment.PRODUCTION and not self.test_event_code:
            raise ValidationError(
                {"test_event_code": "Outside production a pixel needs a test event code, or its events would count."}
            )

    @property
    def live_test_event_code(self) -> str:
        """The test event code that ordinary events of this pixel carry; empty in production."""
        return "" if self.environment == self.Environment.PRODUCTION else self.test_event_code

    def pause(self, by: str, reason: str, now: datetime) -> None:
        """Stop sending; the queue is kept. Saves."""
        self.paused_by, self.paused_reason, self.paused_at = by, reason[:300], now
        self.save(update_fields=["paused_by", "paused_reason", "paused_at"])

    def resume(self, now: datetime) -> None:
        """Send again, gently at first: a long queue may have been waiting. Saves."""
        self.paused_by, self.paused_reason, self.paused_at = self.PausedBy.NOBODY, "", None
        self.resumed_at = now
        self.save(update_fields=["paused_by", "paused_reason", "paused_at", "resumed_at"])
