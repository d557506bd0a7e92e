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
    (Kind.PARTIAL, Status.PARTIAL),
    (Kind.SALE, Status.APPROVED),
    (Kind.PENDING, Status.PENDING),
]
REFUNDS = frozenset({Kind.REFUND, Kind.PARTIAL})


@dataclass(frozen=True)
class Standing:
    """Status and money of a conversion; money in `currency`, None while no entry spoke of it."""

    status: str
    payout: Decimal | None
    amount: Decimal | None
    currency: str


def standing_of(entries: Sequence[LedgerEntry]) -> Standing:
    """The standing that follows from a conversion's ledger entries, whatever their order."""
    claims = claims_of(entries)
    kinds = ({entry.kind for entry in entries} - REFUNDS) | refund_of(entries)
    status = next((status for kind, status in PRECEDENCE if kind in kinds), Status.TRACKED)
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
    kind = Kind.SALE if is_sold(entries) else Kind.PENDING
    claims = [entry for entry in entries if entry.kind == kind]
    currency = min((entry.currency for entry in claims), default="")
    corrections = [entry for entry in entries if entry.kind == Kind.CORRECTION and entry.currency == currency]
    return [*claims, *corrections] if claims else []


def is_sold(entries: Sequence[LedgerEntry]) -> bool:
    """Whether the network has reported the sale."""
    return any(entry.kind == Kind.SALE for entry in entries)


def refund_of(entries: Sequence[LedgerEntry]) -> set[str]:
    """Whether the refunds together leave something of the sale (PARTIAL) or nothing (REFUND); empty without any.

    A refund that names no money, or none that compares with the sale's, is one of everything; unless the network
    called it partial. Without its sale every refund is one of everything, for nothing may be told of it.
    """
    refunds = [entry for entry in entries if entry.kind in REFUNDS]
    if not refunds:
        return set()
    if not is_sold(entries):
        return {Kind.REFUND}
    remains = remainder(refunds, claims_of(entries))
    is_partial = all(entry.kind == Kind.PARTIAL for entry in refunds) if remains is None else remains > 0
    return {Kind.PARTIAL if is_partial else Kind.REFUND}


def remainder(refunds: Sequence[LedgerEntry], claims: Sequence[LedgerEntry]) -> Decimal | None:
    """What the refunds leave of the claims, by payout, else by sale amount; None where it can't be said."""
    if len({entry.currency for entry in [*refunds, *claims]}) != 1:
        return None
    for measure in ("payout", "amount"):
        claimed, taken = total([getattr(e, measure) for e in claims]), [getattr(e, measure) for e in refunds]
        if claimed and all(taken):
            return claimed + (total(taken) or Decimal(0))
    return None


def total(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None
