from django.db import models
from django.db.models import Q

from conversions.click_ids import LENGTH, new_click_id
from conversions.identity import sha256
from offers.models import Offer

TTCLID_LENGTH = 2048
WITH_VISITOR = (
    Q(ip__isnull=False) | ~Q(user_agent="") | ~Q(email_sha256="") | ~Q(phone_sha256="") | ~Q(external_id_sha256="")
)


class Consent(models.TextChoices):
    """What the visitor said about advertising data."""

    UNKNOWN = "unknown", "Not asked yet"
    GRANTED = "granted", "Granted"
    DENIED = "denied", "Denied"
    WITHDRAWN = "withdrawn", "Withdrawn"


REFUSALS = (Consent.DENIED, Consent.WITHDRAWN)


class Robot(models.TextChoices):
    """What came instead of a visitor. TikTok is told nothing of it."""

    BOT = "bot", "Bot"
    PREFETCH = "prefetch", "Prefetcher"


class Click(models.Model):
    """One arrival of one visitor at one offer."""

    id = models.CharField("click id", primary_key=True, max_length=LENGTH, default=new_click_id)
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="clicks")
    created_at = models.DateTimeField("arrived")

    ttclid = models.CharField(max_length=TTCLID_LENGTH, blank=True)
    ttp = models.CharField("_ttp", max_length=200, blank=True)
    utm_source = models.CharField(max_length=200, blank=True)
    utm_medium = models.CharField(max_length=200, blank=True)
    utm_campaign = models.CharField(max_length=200, blank=True)
    utm_content = models.CharField(max_length=200, blank=True)
    utm_term = models.CharField(max_length=200, blank=True)
    campaign_id = models.CharField(max_length=100, blank=True)
    adgroup_id = models.CharField("ad group id", max_length=100, blank=True)
    ad_id = models.CharField(max_length=100, blank=True)
    creative_id = models.CharField(max_length=100, blank=True)
    placement = models.CharField(max_length=100, blank=True)
    landing_version = models.CharField(max_length=100, blank=True)
    variant = models.CharField(max_length=100, blank=True)

    ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    user_agent = models.CharField(max_length=1000, blank=True)
    referrer = models.TextField(blank=True)
    landing_url = models.TextField("landing URL", help_text="With its full query, without personal data.")
    consent = models.CharField(max_length=9, choices=Consent, default=Consent.UNKNOWN)
    consent_at = models.DateTimeField(null=True, blank=True)
    consent_source = models.CharField(max_length=30, blank=True, default="", db_default="")
    consent_said_at = models.DateTimeField(
        null=True, blank=True, help_text="When the newest answer was given on a page, by the clock of the browser."
    )
    country = models.CharField(max_length=2, blank=True, default="", db_default="")
    region = models.CharField(max_length=3, blank=True, default="", db_default="")
    robot = models.CharField(max_length=8, choices=Robot, blank=True, default="", db_default="")
    email_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    phone_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    external_id_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    capped_offer = models.ForeignKey(
        Offer, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, verbose_name="sent on by"
    )
    erased_at = models.DateTimeField(null=True, blank=True)
    is_test = models.BooleanField(
        "test", default=False, db_default=False, help_text="Made by a test conversion: it counts nowhere."
    )

    class Meta:
        ordering = ["-created_at"]
        permissions = [("export_click", "Can export clicks")]
        indexes = [
            # Used by the admin's list, newest first, alone and for one offer.
            models.Index(fields=["-created_at"], name="click_newest"),
            models.Index(fields=["offer", "-created_at"], name="click_newest_of_offer"),
            # Used by retention, which would read every anonymous click again and again without it.
            models.Index(fields=["id"], name="click_with_visitor", condition=WITH_VISITOR),
            # Used by erasures, which find a person's clicks, and by the sender, which asks for those of late.
            models.Index(fields=["email_sha256"], name="click_by_email", condition=~Q(email_sha256="")),
            models.Index(fields=["phone_sha256"], name="click_by_phone", condition=~Q(phone_sha256="")),
            models.Index(
                fields=["external_id_sha256"], name="click_by_external_id", condition=~Q(external_id_sha256="")
            ),
            # Used by the list's filter for tests, and by retention, which keeps them for a while only.
            models.Index(fields=["-created_at"], name="click_test", condition=Q(is_test=True)),
            models.Index(fields=["erased_at"], name="click_erased", condition=Q(erased_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def external_id(self) -> str:
        """The digest of the page's own id for its visitor, else of the click id."""
        return self.external_id_sha256 or sha256(self.pk)

    @property
    def has_consent(self) -> bool:
        """Whether TikTok may be told of this visitor under the offer's policy."""
        return self.consent == Consent.GRANTED or (self.consent == Consent.UNKNOWN and not self.needs_consent)

    @property
    def needs_consent(self) -> bool:
        """Whether the offer's policy asks this visitor, where they are, to agree first."""
        return self.offer.needs_consent(self.country)

    @property
    def has_refused(self) -> bool:
        return self.consent in REFUSALS

    @property
    def limits_data(self) -> bool:
        """Whether what TikTok is told of this visitor is marked for limited data use."""
        return self.offer.limits_data(self.country, self.region)
