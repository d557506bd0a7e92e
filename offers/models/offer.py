from collections.abc import Callable
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from offers.caps import leads_back, time_zone_choices
from offers.link_tokens import validate_link
from offers.models.network import SLUG_HELP, Network, validate_currency
from offers.models.pixel import Pixel
from offers.places import host_list, places, tidied, validate_hosts, validate_places

BY_APPROVAL = ("email", "phone", "external_id")  # the identifiers that have a field `send_…`


def line_of(
    name: str, validate: Callable[[str], None], help_text: str, longest: int = 500
) -> "models.CharField[str, str]":
    """A list that staff type into one line. The database has a default for code of the release before."""
    return models.CharField(
        name,
        max_length=longest,
        blank=True,
        default="",
        db_default="",
        validators=[validate],
        help_text=help_text,
    )


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
    consent_countries = line_of(
        "only in these countries",
        validate_places,
        "Two-letter codes, such as DE FR GB, of the countries whose visitors must agree first. Empty means "
        "everywhere. A visitor whose country is not known has to agree, too.",
    )
    limited_data_places = line_of(
        "limited data use in",
        validate_places,
        "Countries, or states of one, whose visitors' events are marked for limited data use, such "
        "as US-CA US-CO US-CT US-UT US-VA. Empty means nowhere.",
    )
    page_hosts = line_of(
        "hosts of your pages",
        validate_hosts,
        "Host names such as shop.example or *.shop.example. Once there is one, what the script reports from "
        "other hosts than these, the landing page's and this site's, is refused: copies of your page for instance. "
        "Empty refuses nothing.",
        longest=1000,
    )
    send_email = models.BooleanField("send hashed e-mail", default=False)
    send_phone = models.BooleanField("send hashed phone number", default=False)
    send_external_id = models.BooleanField("send hashed external id", default=False)
    daily_cap = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="The most sales of one day, pending ones included. Empty means no cap.",
    )
    total_cap = models.PositiveIntegerField(
        null=True, blank=True, help_text="The most sales there may ever be, pending ones included. Empty means no cap."
    )
    cap_time_zone = models.CharField(
        "day of the cap",
        max_length=50,
        default="UTC",
        db_default="UTC",
        choices=time_zone_choices,
        help_text="The time zone in which the network's day begins.",
    )
    fallback_offer = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Where the tracking link leads once a cap is reached. Without one it goes on leading to this offer.",
    )
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.consent_countries = tidied(self.consent_countries.upper())
        self.limited_data_places = tidied(self.limited_data_places.upper())
        self.page_hosts = tidied(self.page_hosts.lower())
        errors = {}
        if "{click_id}" not in self.offer_url:
            errors["offer_url"] = "Put {click_id} into the link, or the network can't tell us which click converted."
        if self.pk and self.fallback_offer_id == self.pk:
            errors["fallback_offer"] = "An offer can't stand in for itself."
        elif leads_back(self):
            errors["fallback_offer"] = "Its own fallback leads back to this offer. Choose one that leads elsewhere."
        if errors:
            raise ValidationError(errors)

    def needs_consent(self, country: str) -> bool:
        """Whether a visitor from there (ISO 3166, two letters; empty when unknown) has to agree first."""
        countries = places(self.consent_countries)
        return self.consent_required and (not countries or not country or country in countries)

    def limits_data(self, country: str, region: str) -> bool:
        """Whether events of a visitor from there are marked for limited data use; `region` is that of ISO 3166-2.

        Where only the country is known, they may come from a state of it that is listed.
        """
        limited = places(self.limited_data_places)
        if not region:
            return any(place.partition("-")[0] == country for place in limited)
        return country in limited or f"{country}-{region}" in limited

    def has_page_on(self, host: str) -> bool:
        """Whether this host is known as one of the offer's: entered by staff, or the landing page's."""
        hosts = host_list(self.page_hosts, self.landing_url)
        return any(host == known or (known[:2] == "*." and host.endswith(known[1:])) for known in hosts)

    @property
    def refuses_strange_pages(self) -> bool:
        """Whether staff have said where the offer's pages are."""
        return bool(self.page_hosts.strip())

    @property
    def withheld(self) -> frozenset[str]:
        """The identifiers that TikTok does not get, because staff have not approved them."""
        return frozenset(name for name in BY_APPROVAL if not getattr(self, f"send_{name}"))

    def allows(self, leg: str) -> bool:
        """Whether the tracking mode lets this leg ("pixel" or "server") be used."""
        return self.tracking_mode in (self.TrackingMode.BOTH, leg)
