"""What a set of ledger entries says of a conversion: a pure function, so the order of arrival does not matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from conversions.models import Conversion, LedgerEntry

Kind = LedgerEntry.Kind
Status = Conversion.Status

# The strongest statement wins: money that was taken back stays taken back however late the sale is reported.
PRECEDENCE = [
    (Kind.CHARGEBACK, Status.CHARGEBACK),
    (Kind.REFUND, Status.REFUNDED),
    (Kind.REJECTION, Status.REJECTED),
    (Kind.SALE, Status.APPROVED),
    (Kind.PENDING, Status.PENDING),
]


@dataclass(frozen=True)
class Standing:
    """Status and money of a conversion; money in `currency`, None while no entry spoke of it."""

    status: str
    payout: Decimal | None
    amount: Decimal | None
    currency: str


def standing_of(entries: Sequence[LedgerEntry]) -> Standing:
    """The standing that follows from a conversion's ledger entries, whatever their order."""
    kinds = {entry.kind for entry in entries}
    status = next((status for kind, status in PRECEDENCE if kind in kinds), Status.TRACKED)
    claims = claims_of(entries)
    return Standing(
        status=status,
        payout=total([entry.payout for entry in claims]),
        amount=total([entry.amount for entry in claims]),
        currency=min((entry.currency for entry in claims or entries), default=""),
    )


def claims_of(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The entries that say what the conversion is worth: the sale with its corrections, else the pending claim.

    Reversals are left out on purpose: TikTok was told, or must not be told, the value of the sale; what remains of
    it after refunds is for the reports, which sum the ledger.
    """
    sold = any(entry.kind == Kind.SALE for entry in entries)
    kinds = {Kind.SALE, Kind.CORRECTION} if sold else {Kind.PENDING}
    return [entry for entry in entries if entry.kind in kinds]


def total(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None
