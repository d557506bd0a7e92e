from django.db import models

from conversions.models.conversion import Conversion
from conversions.models.postback import Postback
from offers.models import Network


class LedgerEntry(models.Model):
    """One signed money or status fact about a conversion, as a network reported it; never edited."""

    class Kind(models.TextChoices):
        PENDING = "pending", "Pending"
        SALE = "approved", "Sale approved"
        REJECTION = "rejected", "Rejected"
        REFUND = "refunded", "Refund"
        PARTIAL = "partial", "Partial refund"
        CHARGEBACK = "chargeback", "Chargeback"
        CORRECTION = "correction", "Correction"

    conversion = models.ForeignKey(Conversion, models.PROTECT, related_name="ledger_entries")
    # The entry says everything by itself and keeps its key when retention has pruned the call that it came by.
    postback = models.ForeignKey(Postback, models.SET_NULL, null=True, blank=True, related_name="ledger_entries")
    network = models.ForeignKey(Network, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField("idempotency key", max_length=64)
    payout = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    amount = models.DecimalField("sale amount", max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    occurred_at = models.DateTimeField("happened")
    created_at = models.DateTimeField("recorded")

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "ledger entries"
        constraints = [
            # The network may report the same fact again and at once over several connections; it counts once.
            models.UniqueConstraint(fields=["network", "key"], name="one_ledger_entry_per_fact"),
        ]
        indexes = [
            # Used every minute, and by the first page, to find what was taken back in the last days.
            models.Index(fields=["kind", "created_at"], name="ledger_entry_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.payout if self.payout is not None else ''} {self.currency}".strip()

    @property
    def source(self) -> str:
        """The call that it came by, in words."""
        return f"postback {self.postback_id}" if self.postback_id else "a postback that is no longer kept"
