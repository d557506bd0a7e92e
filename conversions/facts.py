"""Facts that networks report: what they are called in the ledger, what tells them apart, what they bring."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from conversions.ledger import Kind, total
from conversions.models import Click, Conversion, LedgerEntry, Postback
from conversions.models.postback import FROM_FILE
from conversions.networks.record import PostbackRecord
from offers.models import Network
from offers.models.network import PostbackStatus

FUTURE_TOLERANCE = timedelta(minutes=10)
Sold = Conversion.Kind
REFUNDS = frozenset({PostbackStatus.REFUNDED, PostbackStatus.PARTIAL})
TAKEN_BACK = REFUNDS | {PostbackStatus.REJECTED, PostbackStatus.CHARGEBACK}
CLAIMS = frozenset({PostbackStatus.PENDING, PostbackStatus.APPROVED})
ADDED_UP = frozenset({PostbackStatus.PARTIAL, PostbackStatus.CORRECTION})  # each one counts beside the others
Slot = tuple[str, UUID]
Item = TypeVar("Item")


def slot(conversion: Conversion) -> Slot:
    """What tells conversions apart before they have a primary key."""
    return conversion.event_name, conversion.event_id


def first(items: list[Item]) -> Item | None:
    return items[0] if items else None


def make_entry(postback: Postback, record: PostbackRecord, key: str, of: Conversion, now: datetime) -> LedgerEntry:
    """An unsaved ledger entry; what is taken back is negative, and unknown when the network named no amount.

    The offer's payout stands in where a sale names none; of a rebill or an upsell it would say nothing.
    """
    payout, amount, currency = record.payout, record.amount, record.currency
    if record.status in TAKEN_BACK:
        payout, amount = negative(payout), negative(amount)
    elif expects_payout(record, of) and (amount is None or currency == of.offer.currency):
        payout, currency = of.offer.payout, of.offer.currency
    return LedgerEntry(
        postback=postback,
        network=postback.network,
        kind=Kind(record.status),
        key=key,
        payout=payout,
        amount=amount,
        currency=currency,
        occurred_at=moment_of(postback, record, of.click),
        created_at=now,
    )


def expects_payout(record: PostbackRecord, of: Conversion) -> bool:
    return record.payout is None and record.status in CLAIMS and of.kind == Sold.SALE


def counts_each(postback: Postback) -> bool:
    """Whether a repetition is a conversion of its own. What stands in a file is no repetition by the network."""
    return postback.network.duplicate_mode == Network.DuplicateMode.COUNT and postback.method != FROM_FILE


def told_apart(record: PostbackRecord, kind: str) -> list[str]:
    """What is part of a fact's key besides its subject, because there may be several of one transaction."""
    if record.status == PostbackStatus.CORRECTION:
        return [record.fact or f"{record.payout or 0} {record.amount or 0}"]
    if record.status in REFUNDS:
        return [record.fact or f"{abs_text(record.payout)} {abs_text(record.amount)}"]
    return [told_by(record)] if kind in (Sold.REBILL, Sold.UPSELL) and not record.transaction_id else []


def told_by(record: PostbackRecord) -> str:
    """What tells two payments of one subscription apart that have no transaction id."""
    return record.fact or (record.occurred_at.isoformat() if record.occurred_at else "")


def abs_text(value: Decimal | None) -> str:
    """An amount as part of a key: nothing and zero are the same, and a refund's sign says nothing."""
    return str(abs(value)) if value else ""


def moment_of(postback: Postback, record: PostbackRecord, click: Click) -> datetime:
    """When it happened: the network's time where it is possible (after the click, not in the future), else ours."""
    moment = record.occurred_at
    if moment is None or moment > postback.received_at + FUTURE_TOLERANCE:
        return postback.received_at
    return max(moment, click.created_at)


def misdated(postback: Postback, record: PostbackRecord, click: Click) -> str:
    """What to tell of a time of the network's that can't be and was left aside; empty where it was taken over."""
    named, taken = record.occurred_at, moment_of(postback, record, click)
    if named is None or abs(named - taken) <= FUTURE_TOLERANCE:
        return ""
    why, stands = ("later than it came", "its arrival") if named > taken else ("before the click", "the click")
    return (
        f"The network dated it {named:%Y-%m-%d %H:%M:%S %Z}, {why}, so the time of {stands} stands: "
        f"{taken:%Y-%m-%d %H:%M:%S %Z}. Check the clock and time zone there."
    )


def negative(value: Decimal | None) -> Decimal | None:
    return None if value is None else -abs(value)


def outweighed(conversion: Conversion, record: PostbackRecord) -> str:
    """What to tell of a fact that did not become the conversion's status; empty when it did."""
    if conversion.status == record.status or record.status not in TAKEN_BACK | {PostbackStatus.APPROVED}:
        return ""
    if conversion.status == Conversion.Status.PARTIAL or {conversion.status, record.status} <= REFUNDS:
        return ""
    return (
        f"In the ledger; the conversion stays “{conversion.get_status_display()}”, which the network reported too and "
        "which outweighs it whatever came first. TikTok is told of approved conversions only."
    )


def remarks(postback: Postback, record: PostbackRecord, conversion: Conversion) -> str:
    """What to tell of a fact that is in the ledger now, and not as the network may expect it."""
    told = (outweighed(conversion, record), misdated(postback, record, conversion.click))
    return " ".join(filter(None, told))


def difference(new: Decimal | None, old: list[Decimal | None]) -> Decimal | None:
    """What is missing from what was booked to what is so; None when nothing new was named."""
    return None if new is None else new - (total(old) or Decimal(0))


def kind_corrected(entry: LedgerEntry) -> str:
    """The kind of fact that an entry belongs to; corrections belong to the sale."""
    return Kind.SALE if entry.kind == Kind.CORRECTION else entry.kind


def has_kind(entries: Iterable[LedgerEntry], kind: str) -> bool:
    return any(entry.kind == kind for entry in entries)


def agree(one: str, other: str) -> bool:
    """Whether two names can mean the same: they are equal, or one is missing."""
    return not one or not other or one == other


def says_other_money(known: LedgerEntry, record: PostbackRecord) -> bool:
    """Whether a repeated fact names another payout or sale amount than the ledger has."""
    pairs = [(known.payout, record.payout), (known.amount, record.amount)]
    return any(new is not None and old is not None and abs(new) != abs(old) for old, new in pairs)
