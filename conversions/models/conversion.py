from decimal import Decimal

from django.db import models
from django.db.models import Q

from conversions.models.click import Click
from offers.models import Offer

WITH_DIGEST = ~Q(email_sha256="") | ~Q(phone_sha256="")


class ConversionQuerySet(models.QuerySet["Conversion"]):
    def unplanned(self) -> "ConversionQuerySet":
        """Conversions that dispatch has not decided on since they last changed."""
        return self.filter(planned_at=None)

    def plan_anew(self, skip_locked: bool = False) -> list[int]:
        """Have dispatch decide on them once more; their primary keys. The caller holds the transaction.

        Whoever locks several does it in the order of their keys, or this and the digest could wait for each other. The
        digest writes those of many clicks in an order of its own: a sweep leaves out what it holds, and comes again.
        """
        rows = self.select_for_update(no_key=True, skip_locked=skip_locked).order_by("pk")
        keys = list(rows.values_list("pk", flat=True))
        self.model.objects.filter(pk__in=keys).update(planned_at=None)
        return keys


class Conversion(models.Model):
    """One action of one click, told to TikTok under one event_id."""

    class Status(models.TextChoices):
        TRACKED = "tracked", "Seen on a page"
        PENDING = "pending", "Pending"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        PARTIAL = "partial", "Refunded in part"
        REFUNDED = "refunded", "Refunded"
        CHARGEBACK = "chargeback", "Charged back"

    class Kind(models.TextChoices):
        SALE = "sale", "Sale"
        REBILL = "rebill", "Rebill"
        UPSELL = "upsell", "Upsell"

    click = models.ForeignKey(Click, models.PROTECT, related_name="conversions")
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="conversions")
    event_name = models.CharField("event", max_length=50)
    event_id = models.UUIDField("event_id")
    occurrence_key = models.CharField(max_length=250, blank=True)
    transaction_id = models.CharField(max_length=200, blank=True)
    kind = models.CharField("what was sold", max_length=6, choices=Kind, default=Kind.SALE, db_default="sale")
    network_event = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.TRACKED)
    payout = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    amount = models.DecimalField("sale amount", max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    occurred_at = models.DateTimeField("happened")
    page_url = models.TextField("page URL", blank=True)
    referrer = models.TextField(blank=True)
    email_sha256 = models.CharField(max_length=64, blank=True)
    phone_sha256 = models.CharField(max_length=64, blank=True)
    page_value = models.DecimalField("value the page gave", max_digits=14, decimal_places=2, null=True, blank=True)
    page_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    page_properties = models.JSONField("what the page said", null=True, blank=True)
    margin = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    lifetime_value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    segment = models.CharField(max_length=50, blank=True, default="", db_default="")
    lead_quality = models.CharField(max_length=50, blank=True, default="", db_default="")
    is_test = models.BooleanField(
        "test", default=False, db_default=False, help_text="Made by a test conversion: it counts nowhere."
    )
    planned_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField("recorded")

    objects = ConversionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        permissions = [
            ("export_conversion", "Can export conversions"),
            ("export_personal", "Can include personal data in exports"),
        ]
        constraints = [
            # A refresh, a race of page and postback, a repeated postback: one action is one event.
            models.UniqueConstraint(fields=["event_id", "event_name"], name="one_conversion_per_event_id"),
        ]
        indexes = [
            # Used by the caps and by the coverage of one offer, newest first.
            models.Index(fields=["offer", "-created_at"], name="conversion_newest_of_offer"),
            # Used by ConversionQuerySet.unplanned(), on every turn of the planner.
            models.Index(fields=["id"], name="conversion_unplanned", condition=Q(planned_at=None)),
            # Used by the digest, which joins a refund without a click id by its receipt.
            models.Index(fields=["transaction_id"], name="conversion_by_transaction", condition=~Q(transaction_id="")),
            # Used by the admin's list, newest first, and by its filter for tests.
            models.Index(fields=["-created_at"], name="conversion_newest"),
            models.Index(fields=["-created_at"], name="conversion_test", condition=Q(is_test=True)),
            # Used by erasures, which find a person's sales.
            models.Index(fields=["email_sha256"], name="conversion_by_email", condition=~Q(email_sha256="")),
            models.Index(fields=["phone_sha256"], name="conversion_by_phone", condition=~Q(phone_sha256="")),
            # Used by retention, as far as digests are still there.
            models.Index(fields=["id"], name="conversion_with_digest", condition=WITH_DIGEST),
        ]

    def __str__(self) -> str:
        return f"{self.event_name} {self.event_id}"

    @property
    def money(self) -> Decimal | None:
        """What the network pays for it, else the sale's amount; None when no postback spoke of money."""
        return self.amount if self.payout is None else self.payout
