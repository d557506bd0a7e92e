"""Sums of what was recorded and sent, by half-hour: cheap to read at any table size, rebuilt from the rows at any time.

A half-hour belongs to when a row was *recorded*: a click's arrival, a conversion's `created_at`, a postback's
`received_at`. What happens to a conversion later, its refund, its acceptance, changes the sums of its half-hour. Half
an hour divides the days of every time zone that readers may choose. Tests (`is_test`) are in none of these.
"""

from datetime import timedelta

from django.db import models

from conversions.outcomes import Outcome
from offers.models import Network, Offer, Pixel

SLOT = timedelta(minutes=30)


def count() -> "models.PositiveIntegerField[int, int]":
    return models.PositiveIntegerField(default=0)


def money() -> "models.DecimalField[int, int]":
    return models.DecimalField(max_digits=18, decimal_places=2, default=0)


class Source(models.Model):
    """Where clicks came from, as far as reports tell them apart."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="+")
    campaign_id = models.CharField(max_length=100, blank=True)
    ad_id = models.CharField(max_length=100, blank=True)
    creative_id = models.CharField(max_length=100, blank=True)
    landing_version = models.CharField(max_length=100, blank=True)
    variant = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, blank=True)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 over the offer's key and the six values.")

    DIMENSIONS = ("campaign_id", "ad_id", "creative_id", "landing_version", "variant", "country")

    def __str__(self) -> str:
        return " · ".join(filter(None, (getattr(self, name) for name in self.DIMENSIONS)))


class Traffic(models.Model):
    """What reports add up. Clicks stand in rows without event and currency, conversions in those of theirs."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    event_name = models.CharField(max_length=50, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    clicks = count()
    robots = count()
    tracked = count()
    pending = count()
    approved = count()
    rejected = count()
    partial = count()
    refunded = count()
    chargeback = count()
    payout = money()
    pending_payout = money()
    sent = count()
    accepted = count()

    class Meta:
        abstract = True

    STATUSES = ("tracked", "pending", "approved", "rejected", "partial", "refunded", "chargeback")
    COUNTS = ("clicks", "robots", *STATUSES, "sent", "accepted")
    MONEY = ("payout", "pending_payout")


class OfferSlot(Traffic):
    """One offer's half-hour."""

    doubles = count()
    expected = count()
    unreported = count()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "starts_at", "event_name", "currency"], name="one_offer_slot")
        ]
        # Used by health, reports and the first page, which read some days of all offers.
        indexes = [models.Index(fields=["starts_at"], name="offer_slot_by_time")]
        permissions = [
            ("view_report", "Can see reports"),
            ("view_health", "Can see the health of tracking"),
            ("trace", "Can trace a click, event or transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id} at {self.starts_at:%Y-%m-%d %H:%M}"


class SourceSlot(Traffic):
    """One source's half-hour."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "starts_at", "event_name", "currency"], name="one_source_slot")
        ]
        # Used by reports over days that begin at another hour than UTC's.
        indexes = [
            models.Index(fields=["starts_at"], name="source_slot_by_time"),
            models.Index(fields=["offer", "starts_at"], name="source_slot_of_offer"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} at {self.starts_at:%Y-%m-%d %H:%M}"


class SourceDay(Traffic):
    """One source's day, in UTC; what long reports add up."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "starts_at", "event_name", "currency"], name="one_source_day")
        ]
        indexes = [
            models.Index(fields=["starts_at"], name="source_day_by_time"),
            models.Index(fields=["offer", "starts_at"], name="source_day_of_offer"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} on {self.starts_at:%Y-%m-%d}"


class TellingSlot(models.Model):
    """What became, on their way to one pixel, of the conversions of one offer that were recorded in one half-hour."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="+")
    pixel = models.ForeignKey(Pixel, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    accepted = count()
    waiting = count()
    dead = count()
    discarded = count()
    held = count()
    suppressed = count()
    reasons = models.JSONField(default=dict, help_text="Of those dead, held or suppressed: how many of each reason.")
    tried = count()
    retried = count()
    both_legs = count()
    fired = count()
    blocked = count()
    with_ttclid = count()
    with_ttp = count()
    with_browser = count()
    with_email = count()
    with_phone = count()
    with_external_id = count()
    delays = models.JSONField(default=dict, help_text="Whole seconds from recorded to accepted: how many of each.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offer", "pixel", "starts_at"], name="one_telling_slot")]
        indexes = [models.Index(fields=["starts_at"], name="telling_slot_by_time")]

    def __str__(self) -> str:
        return f"{self.offer_id} to {self.pixel_id} at {self.starts_at:%Y-%m-%d %H:%M}"


class TellingDay(models.Model):
    """The delays of one offer's day, in UTC, on the way to one pixel; what long spans add up."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="+")
    pixel = models.ForeignKey(Pixel, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    delays = models.JSONField(default=dict, help_text="Those of its half-hours, together.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["offer", "pixel", "starts_at"], name="one_telling_day")]
        indexes = [models.Index(fields=["starts_at"], name="telling_day_by_time")]

    def __str__(self) -> str:
        return f"{self.offer_id} to {self.pixel_id} on {self.starts_at:%Y-%m-%d}"


class NetworkSlot(models.Model):
    """How many postbacks of one network, received in one half-hour, ended in one outcome."""

    network = models.ForeignKey(Network, models.CASCADE, related_name="+")
    starts_at = models.DateTimeField()
    outcome = models.CharField(max_length=20, choices=Outcome)
    postbacks = count()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["network", "starts_at", "outcome"], name="one_network_slot")]
        indexes = [models.Index(fields=["starts_at"], name="network_slot_by_time")]

    def __str__(self) -> str:
        return f"{self.network_id} at {self.starts_at:%Y-%m-%d %H:%M}"


class Watermark(models.Model):
    """How far the sums have followed one table, by its primary key."""

    table = models.CharField(max_length=30, primary_key=True)
    settled = models.CharField(max_length=30, blank=True, help_text="No row up to here was still to be committed.")
    reached = models.CharField(max_length=30, blank=True, help_text="The newest row at `reached_at`.")
    reached_at = models.DateTimeField(null=True)
    seen = models.CharField(max_length=30, blank=True, help_text="The newest row whose half-hour was marked.")
    counted = models.PositiveBigIntegerField(default=0, help_text="How many there were from `settled` to `seen`.")
    looked_at = models.DateTimeField(null=True, help_text="When the sums were last brought up to date.")

    def __str__(self) -> str:
        return f"{self.table} to {self.settled}"


class Report(OfferSlot):
    """What people ask the sums: the page of reports, and its place in the history of what was exported."""

    class Meta:
        proxy = True
        default_permissions = ()  # who may see it is said by OfferSlot
        verbose_name = "report"
