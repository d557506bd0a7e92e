"""What one postback means for the conversions of its click. Works in memory; the digest loads and stores."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from conversions.event_ids import make_event_id
from conversions.ledger import Kind, standing_of
from conversions.models import Click, Conversion, LedgerEntry, Postback
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.outcomes import Outcome
from offers.models import EventRule
from offers.models.network import PostbackStatus

FUTURE_TOLERANCE = timedelta(minutes=10)
TAKEN_BACK = frozenset({PostbackStatus.REJECTED, PostbackStatus.REFUNDED, PostbackStatus.CHARGEBACK})
Result = tuple[Outcome, str]
Item = TypeVar("Item")


class ClickBook:
    """The conversions of one click with their ledger entries, as they are and as postbacks change them."""

    def __init__(self, click: Click, rules: Sequence[EventRule]) -> None:
        self.click = click
        self.rules = rules
        self.conversions: list[Conversion] = []
        self.entries: dict[str, list[LedgerEntry]] = {}
        self.new_conversions: list[Conversion] = []
        self.new_entries: list[LedgerEntry] = []
        self.changed: dict[str, Conversion] = {}

    def load(self, conversion: Conversion, entries: Iterable[LedgerEntry]) -> None:
        """Add a stored conversion with its entries."""
        self.conversions.append(conversion)
        self.entries[slot(conversion)] = list(entries)

    def record(self, postback: Postback, record: PostbackRecord, key: str, now: datetime) -> Result:
        """Take a new fact over. Raises PostbackRefusedError when the offer has no rule for it."""
        conversion = self.find(record) or self.create(postback, record, now)
        entries = self.entries[slot(conversion)]
        self.adopt(conversion, postback, record)
        if record.status not in TAKEN_BACK and any(entry.kind == record.status for entry in entries):
            return Outcome.DUPLICATE, "The same fact came before, with or without a transaction id."
        outcome = Outcome.UPDATED if entries else Outcome.RECORDED
        self.add_entry(conversion, make_entry(postback, record, key, self.click, now))
        return outcome, ""

    def count_again(self, postback: Postback, record: PostbackRecord, now: datetime) -> Result:
        """A repeated fact where the network's duplicate mode counts each one: a conversion of its own."""
        conversion = self.create(postback, record, now)
        key = fact_key(record, self.click.pk, f"repetition {postback.pk}")
        self.add_entry(conversion, make_entry(postback, record, key, self.click, now))
        self.adopt(conversion, postback, record)
        return Outcome.RECORDED, "Counted again, as the network's duplicate mode says."

    def correct(self, known: LedgerEntry, postback: Postback, record: PostbackRecord, now: datetime) -> Result:
        """A known fact with other amounts, where the network's duplicate mode takes changes over."""
        conversion = self.conversion_of(known)
        sums = standing_of(self.entries[slot(conversion)])
        entry = make_entry(
            postback, record, fact_key(record, self.click.pk, f"correction {postback.pk}"), self.click, now
        )
        entry.kind = Kind.CORRECTION
        entry.payout = difference(record.payout, sums.payout)
        entry.amount = difference(record.amount, sums.amount)
        self.add_entry(conversion, entry)
        postback.conversion = conversion
        return Outcome.UPDATED, f"Payout corrected by {entry.payout or 0} {entry.currency}."

    def find(self, record: PostbackRecord) -> Conversion | None:
        """The conversion that the record speaks of, if it is known already."""
        if record.status in TAKEN_BACK:
            return self.find_for_reversal(record)
        event_name = self.event_name_for(record)
        same_event = [c for c in self.conversions if c.event_name == event_name]
        if record.transaction_id:
            same = [c for c in same_event if c.transaction_id == record.transaction_id]
            exact = [c for c in same if c.network_event == record.event]
            open_ones = [c for c in same + same_event if not self.has_sale(c)]
            adoptable = [c for c in open_ones if c.transaction_id in ("", record.transaction_id)]
            return first(exact or adoptable)
        return first([c for c in same_event if not c.occurrence_key and c.network_event in ("", record.event)])

    def find_for_reversal(self, record: PostbackRecord) -> Conversion | None:
        """What is taken back: by transaction, else the click's first one; a real sale before anything else."""
        same = [c for c in self.conversions if record.transaction_id and c.transaction_id == record.transaction_id]
        loose = [c for c in self.conversions if not c.transaction_id or not record.transaction_id]
        with_postback = [c for c in loose if self.entries[slot(c)]]
        candidates = same or with_postback
        return first([c for c in candidates if self.has_sale(c)]) or first(candidates)

    def create(self, postback: Postback, record: PostbackRecord, now: datetime) -> Conversion:
        """A conversion under the first free occurrence key of its event; a waiting page event is taken over instead."""
        event_name = self.event_name_for(record)
        page_event = first([c for c in self.conversions if c.event_name == event_name and not self.entries[slot(c)]])
        if page_event:
            return page_event
        occurrence_key = self.free_occurrence_key(event_name, postback, record)
        conversion = Conversion(
            click=self.click,
            offer=self.click.offer,
            event_name=event_name,
            event_id=make_event_id(self.click.pk, event_name, occurrence_key),
            occurrence_key=occurrence_key,
            occurred_at=moment_of(postback, record, self.click),
            page_url=self.click.landing_url,
            referrer=self.click.referrer,
            created_at=now,
        )
        self.load(conversion, [])
        self.new_conversions.append(conversion)
        return conversion

    def free_occurrence_key(self, event_name: str, postback: Postback, record: PostbackRecord) -> str:
        taken = {c.occurrence_key for c in self.conversions if c.event_name == event_name}
        transaction = record.transaction_id
        keys = ["", transaction, f"{transaction}|{record.event}"[:200], f"{transaction[:100]}|{postback.pk}"]
        return next(key for key in keys if key not in taken)

    def event_name_for(self, record: PostbackRecord) -> str:
        """The TikTok event of a record. Raises PostbackRefusedError when no rule names one."""
        triggers = [EventRule.Trigger.APPROVED, EventRule.Trigger.PENDING]
        if record.status == PostbackStatus.PENDING:
            triggers.reverse()
        elif record.status == PostbackStatus.APPROVED:
            triggers = [EventRule.Trigger.APPROVED]
        rules = [rule for trigger in triggers for rule in self.rules if rule.trigger == trigger]
        own = [rule for rule in rules if rule.network_event.casefold() == record.event.casefold()]
        rule = first(own) or first([rule for rule in rules if not rule.network_event])
        if rule is None:
            event = f" with the event “{record.event}”" if record.event else ""
            raise PostbackRefusedError(
                Outcome.NO_RULE,
                f"“{self.click.offer}” has no event rule for a postback “{record.status}”{event}.",
            )
        return rule.event_name

    def has_sale(self, conversion: Conversion) -> bool:
        return any(entry.kind == Kind.SALE for entry in self.entries[slot(conversion)])

    def conversion_of(self, entry: LedgerEntry) -> Conversion:
        return next(c for c in self.conversions if entry in self.entries[slot(c)])

    def conversion_with_entry_of(self, postback: Postback) -> Conversion | None:
        """The conversion whose ledger this postback has written into already, as the fact or as its correction."""
        return first([c for c in self.conversions if any(e.postback_id == postback.pk for e in self.entries[slot(c)])])

    def add_entry(self, conversion: Conversion, entry: LedgerEntry) -> None:
        entry.conversion = conversion
        self.entries[slot(conversion)].append(entry)
        self.new_entries.append(entry)
        self.changed[slot(conversion)] = conversion
        standing = standing_of(self.entries[slot(conversion)])
        conversion.status, conversion.currency = standing.status, standing.currency
        conversion.payout, conversion.amount = standing.payout, standing.amount
        conversion.planned_at = None

    def adopt(self, conversion: Conversion, postback: Postback, record: PostbackRecord) -> None:
        """Fill what the conversion did not know yet; nothing known is overwritten."""
        conversion.transaction_id = conversion.transaction_id or record.transaction_id
        conversion.network_event = conversion.network_event or record.event
        conversion.email_sha256 = conversion.email_sha256 or postback.email_sha256
        conversion.phone_sha256 = conversion.phone_sha256 or postback.phone_sha256
        postback.conversion = conversion


def slot(conversion: Conversion) -> str:
    """What tells conversions apart before they have a primary key."""
    return f"{conversion.event_name} {conversion.event_id}"


def first(items: list[Item]) -> Item | None:
    return items[0] if items else None


def fact_key(record: PostbackRecord, click_id: str, suffix: str = "") -> str:
    """The idempotency key of a fact: (transaction, event) or without a transaction (click, event), and the status."""
    subject = f"txid {record.transaction_id}" if record.transaction_id else f"click {click_id}"
    text = "\n".join([subject, record.event.casefold(), record.status, suffix])
    return hashlib.sha256(text.encode()).hexdigest()


def make_entry(postback: Postback, record: PostbackRecord, key: str, click: Click, now: datetime) -> LedgerEntry:
    """An unsaved ledger entry; what is taken back is negative, and unknown when the network named no amount."""
    payout, amount, currency = record.payout, record.amount, record.currency
    if record.status in TAKEN_BACK:
        payout, amount = negative(payout), negative(amount)
    elif payout is None and (amount is None or currency == click.offer.currency):
        payout, currency = click.offer.payout, click.offer.currency
    return LedgerEntry(
        postback=postback,
        network=postback.network,
        kind=Kind(record.status),
        key=key,
        payout=payout,
        amount=amount,
        currency=currency,
        occurred_at=moment_of(postback, record, click),
        created_at=now,
    )


def moment_of(postback: Postback, record: PostbackRecord, click: Click) -> datetime:
    """When it happened: the network's time where it is possible (after the click, not in the future), else ours."""
    moment = record.occurred_at
    if moment is None or moment > postback.received_at + FUTURE_TOLERANCE:
        return postback.received_at
    return max(moment, click.created_at)


def negative(value: Decimal | None) -> Decimal | None:
    return None if value is None else -abs(value)


def difference(new: Decimal | None, old: Decimal | None) -> Decimal | None:
    return None if new is None else new - (old or Decimal(0))


def says_other_money(known: LedgerEntry, record: PostbackRecord) -> bool:
    """Whether a repeated fact names another payout or sale amount than the ledger has."""
    pairs = [(known.payout, record.payout), (known.amount, record.amount)]
    return any(new is not None and old is not None and abs(new) != abs(old) for old, new in pairs)
