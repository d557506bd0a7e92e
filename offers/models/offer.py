from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from offers.link_tokens import validate_link
from offers.models.network import SLUG_HELP, Network, validate_currency
from offers.models.pixel import Pixel


class OfferQuerySet(models.QuerySet["Offer"]):
    def live(self) -> "OfferQuerySet":
        """Offers whose links work."""
        return self.filter(is_active=True)


class Offer(models.Model):
    """What is promoted: where visitors go, what a conversion pays, and what TikTok is told about it."""

    class TrackingMode(models.TextChoices):
        PIXEL = "pixel", "Pixel only"
        BOTH = "both", "Pixel + Events API"
        SERVER = "server", "Events API only"

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=50, unique=True, help_text=SLUG_HELP)
    network = models.ForeignKey(Network, models.PROTECT, related_name="offers")
    pixel = models.ForeignKey(Pixel, models.PROTECT, related_name="offers")
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="Links of an inactive offer get a 404. Its postbacks are still recorded.",
    )
    landing_url = models.CharField(
        "landing page",
        max_length=2000,
        blank=True,
        validators=[validate_link],
        help_text="Where the tracking link leads. Empty sends the visitor straight to the offer.",
    )
    offer_url = models.CharField(
        "offer link",
        max_length=2000,
        validators=[validate_link],
        help_text="The network's link. Put {click_id} where the network expects your sub-id.",
    )
    payout = models.DecimalField(
        max_digits=12,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="What one conversion pays when the postback does not say.",
    )
    currency = models.CharField(max_length=3, default="USD", validators=[validate_currency])
    tracking_mode = models.CharField(
        max_length=6,
        choices=TrackingMode,
        default=TrackingMode.BOTH,
        help_text="Which legs this offer may use at all; each event rule can only narrow it.",
    )
    consent_required = models.BooleanField(
        default=True,
        help_text="Nothing goes to TikTok, on either leg, before the visitor has agreed.",
    )
    send_email = models.BooleanField("send hashed e-mail", default=False)
    send_phone = models.BooleanField("send hashed phone number", default=False)
    send_external_id = models.BooleanField("send hashed external id", default=False)
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if "{click_id}" not in self.offer_url:
            raise ValidationError(
                {"offer_url": "Put {click_id} into the link, or the network can't tell us which click converted."}
            )

    def allows(self, leg: str) -> bool:
        """Whether the tracking mode lets this leg ("pixel" or "server") be used."""
        return self.tracking_mode in (self.TrackingMode.BOTH, leg)
