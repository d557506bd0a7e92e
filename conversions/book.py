"""What one postback means for the conversions of its click. Works in memory; the digest loads and stores."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from conversions.event_ids import make_event_id
from conversions.ledger import Kind, standing_of, total
from conversions.models import Click, Conversion, LedgerEntry, Postback
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.outcomes import Outcome
from offers.models import EventRule, Network
from offers.models.network import PostbackStatus

FUTURE_TOLERANCE = timedelta(minutes=10)
Sold = Conversion.Kind
REFUNDS = frozenset({PostbackStatus.REFUNDED, PostbackStatus.PARTIAL})
TAKEN_BACK = REFUNDS | {PostbackStatus.REJECTED, PostbackStatus.CHARGEBACK}
CLAIMS = frozenset({PostbackStatus.PENDING, PostbackStatus.APPROVED})
FURTHER = {Sold.REBILL: EventRule.Trigger.REBILL, Sold.UPSELL: EventRule.Trigger.UPSELL}
KIND_OF_TRIGGER = {trigger: kind for kind, trigger in FURTHER.items()}
ADDED_UP = frozenset({PostbackStatus.PARTIAL, PostbackStatus.CORRECTION})  # each one counts beside the others
SALE_FIRST = [EventRule.Trigger.APPROVED, EventRule.Trigger.PENDING]
Result = tuple[Outcome, str]
Item = TypeVar("Item")


class ClickBook:
    """The conversions of one click with their ledger entries, as they are and as postbacks change them.

    A network's event word tells conversions of one transaction apart only where a rule of the offer is made for that
    word; any other word is read as none, for many networks name each step of one sale differently. The price: an
    upsell that comes under its own word and its sale's transaction id is a duplicate of the sale, until the offer has a
    rule for the word or the network's duplicate mode counts every postback.
    """

    def __init__(self, click: Click, rules: Sequence[EventRule]) -> None:
        self.click = click
        self.rules = rules
        self.conversions: list[Conversion] = []
        self.entries: dict[str, list[LedgerEntry]] = {}
        self.new_conversions: list[Conversion] = []
        self.new_entries: list[LedgerEntry] = []
        self.changed: dict[str, Conversion] = {}  # these are planned anew
        self.completed: dict[str, Conversion] = {}  # these have learned an id or a digest, which plans nothing

    def load(self, conversion: Conversion, entries: Iterable[LedgerEntry]) -> None:
        """Add a stored conversion with its entries."""
        self.conversions.append(conversion)
        self.entries[slot(conversion)] = list(entries)

    def record(self, postback: Postback, record: PostbackRecord, key: str, now: datetime) -> Result:
        """Take a new fact over. Raises PostbackRefusedError when the offer has no rule for it."""
        conversion = self.find(record) or self.recast(postback, record) or self.create(postback, record, now)
        entries = self.entries[slot(conversion)]
        if record.status in CLAIMS and has_kind(entries, record.status):
            if postback.network.duplicate_mode == Network.DuplicateMode.COUNT:
                return self.count_again(postback, record, now)
            self.adopt(conversion, postback, record)
            self.completed[slot(conversion)] = conversion
            return Outcome.DUPLICATE, "The same fact came before, with or without a transaction id."
        outcome = Outcome.UPDATED if entries else Outcome.RECORDED
        self.adopt(conversion, postback, record)
        self.add_entry(conversion, make_entry(postback, record, key, self.click, now))
        return outcome, outweighed(conversion, record)

    def count_again(self, postback: Postback, record: PostbackRecord, now: datetime) -> Result:
        """A repeated fact where the network's duplicate mode counts each one: a conversion of its own."""
        conversion = self.create(postback, record, now)
        key = self.key_of(record, postback.network, f"repetition {postback.pk}")
        self.add_entry(conversion, make_entry(postback, record, key, self.click, now))
        self.adopt(conversion, postback, record)
        return Outcome.RECORDED, "Counted again, as the network's duplicate mode says."

    def correct(self, known: LedgerEntry, postback: Postback, record: PostbackRecord, now: datetime) -> Result:
        """A known fact with other amounts, where the network's duplicate mode takes changes over.

        What the sale brings changes by a correction; of a pending claim or of a reversal, one more entry of its kind
        holds the difference.
        """
        conversion = self.conversion_of(known)
        postback.conversion = conversion
        key = self.key_of(record, postback.network, f"correction {postback.pk}")
        entry = make_entry(postback, record, key, self.click, now)
        same = [e for e in self.entries[slot(conversion)] if kind_corrected(e) == known.kind]
        entry.payout = difference(entry.payout, [e.payout for e in same]) if record.payout is not None else None
        entry.amount = difference(entry.amount, [e.amount for e in same])
        if not (entry.payout or entry.amount):
            return Outcome.DUPLICATE, f"The same as {known.source}, corrections included."
        if entry.currency != known.currency:
            return Outcome.DUPLICATE, f"In {entry.currency} instead of {known.currency}, so nothing is corrected."
        entry.kind = Kind.CORRECTION if known.kind == Kind.SALE else Kind(known.kind)
        self.add_entry(conversion, entry)
        return Outcome.UPDATED, f"Payout corrected by {entry.payout or 0} {entry.currency}."

    def find(self, record: PostbackRecord) -> Conversion | None:
        """The conversion that the record speaks of, if it is known already; the closest one where several may be."""
        kind = self.kind_of(record)
        same = [c for c in self.conversions if agree(c.transaction_id, record.transaction_id) and agree(c.kind, kind)]
        if record.status not in CLAIMS:
            found = self.taken_back_by(record, same)
        elif kind in FURTHER:  # these have no first one that could come without its transaction
            found = [c for c in same if record.transaction_id and c.transaction_id == record.transaction_id]
        else:
            event_name = self.event_name_for(record)
            found = [c for c in same if c.event_name == event_name and self.may_say(c, record)]
        return min(found, key=lambda c: self.distance(c, record), default=None)

    def may_say(self, conversion: Conversion, record: PostbackRecord) -> bool:
        """Whether the network's event fits: the same word, or one side has none and this fact is still missing."""
        ours, theirs = self.word(conversion.network_event), self.word(record.event)
        if ours == theirs:
            return True
        return agree(ours, theirs) and not has_kind(self.entries[slot(conversion)], record.status)

    def taken_back_by(self, record: PostbackRecord, conversions: list[Conversion]) -> list[Conversion]:
        """What a reversal can mean: a sale, else what will become one, so that it may come before the sale."""
        word = self.word(record.event)
        conversions = [c for c in conversions if agree(self.word(c.network_event), word)]
        sold = [c for c in conversions if self.has_sale(c)]
        if sold:
            return sold
        event_name = self.event_name_for(record)
        return [c for c in conversions if c.event_name == event_name]

    def kind_of(self, record: PostbackRecord) -> str:
        """What the record says was sold; empty for a reversal or a correction of whatever it was."""
        rule = first([rule for rule in self.rules if rule.names(record.event)])
        if rule:
            return KIND_OF_TRIGGER.get(EventRule.Trigger(rule.trigger), Sold.SALE)
        return record.kind or (Sold.SALE if record.status in CLAIMS else "")

    def word(self, event: str) -> str:
        """A network's event word as the offer's rules write it; empty when none of them is made for it."""
        return next((rule.network_event for rule in self.rules if rule.names(event)), "")

    def key_of(self, record: PostbackRecord, network: Network, suffix: str = "") -> str:
        """The idempotency key of a fact: (transaction, word), without a transaction (click, word), and the status."""
        subject = f"txid {record.transaction_id}" if record.transaction_id else f"click {self.click.pk}"
        kind = self.kind_of(record)
        further = [kind] if kind in FURTHER else []
        parts = [
            subject,
            self.word(record.event).casefold(),
            record.status,
            *further,
            *told_apart(record, network, kind),
        ]
        return hashlib.sha256("\n".join([*parts, suffix]).encode()).hexdigest()

    def distance(self, conversion: Conversion, record: PostbackRecord) -> tuple[bool, bool, bool]:
        """How far a conversion is from what the record names: transaction first, then what was sold and the event."""
        return (
            conversion.transaction_id != record.transaction_id,
            conversion.kind != Sold.SALE,
            self.word(conversion.network_event) != self.word(record.event),
        )

    def create(self, postback: Postback, record: PostbackRecord, now: datetime) -> Conversion:
        """A conversion under the first free occurrence key of its event; a waiting page event is taken over instead."""
        event_name, kind = self.event_name_for(record), self.kind_of(record) or Sold.SALE
        page_event = first([c for c in self.conversions if c.event_name == event_name and not self.entries[slot(c)]])
        if page_event and kind == Sold.SALE:
            return page_event
        occurrence_key = self.free_occurrence_key(event_name, postback, record)
        conversion = Conversion(
            click=self.click,
            offer=self.click.offer,
            event_name=event_name,
            event_id=make_event_id(self.click.pk, event_name, occurrence_key),
            occurrence_key=occurrence_key,
            kind=kind,
            occurred_at=moment_of(postback, record, self.click),
            page_url=self.click.landing_url,
            referrer=self.click.referrer,
            created_at=now,
        )
        self.load(conversion, [])
        self.new_conversions.append(conversion)
        return conversion

    def recast(self, postback: Postback, record: PostbackRecord) -> Conversion | None:
        """What a reversal has made before its rebill or upsell came, and taken for a sale: now it is what it is."""
        if record.status not in CLAIMS or self.kind_of(record) not in FURTHER or not record.transaction_id:
            return None
        same = [c for c in self.conversions if c.transaction_id == record.transaction_id]
        conversion = first([c for c in same if not any(e.kind in CLAIMS for e in self.entries[slot(c)])])
        if conversion:
            entries = self.entries.pop(slot(conversion))
            self.changed.pop(slot(conversion), None)
            conversion.event_name, conversion.kind = self.event_name_for(record), self.kind_of(record)
            conversion.occurrence_key = self.free_occurrence_key(conversion.event_name, postback, record)
            conversion.event_id = make_event_id(self.click.pk, conversion.event_name, conversion.occurrence_key)
            self.entries[slot(conversion)] = entries
        return conversion

    def free_occurrence_key(self, event_name: str, postback: Postback, record: PostbackRecord) -> str:
        """The first key that no conversion of the event has. The empty one is the sale's, as pages use it too."""
        kind, transaction = self.kind_of(record), record.transaction_id
        taken = {c.occurrence_key for c in self.conversions if c.event_name == event_name}
        taken |= {"", "|"} if kind in FURTHER else {"|"}
        further = f"{kind}|{told_by(record)}"[:200] if kind in FURTHER and not transaction else transaction
        word = f"{transaction}|{self.word(record.event) or (kind if kind in FURTHER else '')}"[:200]
        return next(key for key in ["", further, word, f"{transaction[:100]}|{postback.pk}"] if key not in taken)

    def event_name_for(self, record: PostbackRecord) -> str:
        """The TikTok event of a record; that of a rebill or an upsell without a rule is told to nobody.

        Raises PostbackRefusedError when a sale has no rule.
        """
        kind = self.kind_of(record)
        if kind in FURTHER:
            rule = first(self.rules_for(FURTHER[Sold(kind)], record.event))
            return rule.event_name if rule else Sold(kind).label
        if record.status not in CLAIMS:  # it speaks of the sale, unless its event is that of another rule
            rules = [rule for trigger in SALE_FIRST for rule in self.rules_for(trigger, record.event)]
            rules.sort(key=lambda rule: not rule.network_event)
        elif record.status == PostbackStatus.PENDING:  # without a rule of its own it is a sale that may come
            rules = [rule for trigger in reversed(SALE_FIRST) for rule in self.rules_for(trigger, record.event)]
        else:
            rules = self.rules_for(EventRule.Trigger.APPROVED, record.event)
        rule = first(rules)
        if rule is None:
            event = f" with the event “{record.event}”" if record.event else ""
            raise PostbackRefusedError(
                Outcome.NO_RULE,
                f"“{self.click.offer}” has no event rule for a postback “{record.status}”{event}.",
            )
        return rule.event_name

    def rules_for(self, trigger: str, event: str) -> list[EventRule]:
        """The rules of a trigger that fit the network's event, one that names it before one for any."""
        rules = [rule for rule in self.rules if rule.trigger == trigger and rule.fits(event)]
        return sorted(rules, key=lambda rule: not rule.names(event))

    def has_sale(self, conversion: Conversion) -> bool:
        return has_kind(self.entries[slot(conversion)], Kind.SALE)

    def conversion_of(self, entry: LedgerEntry) -> Conversion:
        return next(c for c in self.conversions if entry in self.entries[slot(c)])

    def entry_of(self, postback: Postback, record: PostbackRecord) -> LedgerEntry | None:
        """What this postback has written into the ledger already, as the fact or as its correction."""
        own = [e for entries in self.entries.values() for e in entries if e.postback_id == postback.pk]
        return first([entry for entry in own if record.status in (entry.kind, kind_corrected(entry))])

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
        if not self.word(conversion.network_event):
            conversion.network_event = self.word(record.event) or conversion.network_event
        conversion.email_sha256 = conversion.email_sha256 or postback.email_sha256
        conversion.phone_sha256 = conversion.phone_sha256 or postback.phone_sha256
        postback.conversion = conversion


def slot(conversion: Conversion) -> str:
    """What tells conversions apart before they have a primary key."""
    return f"{conversion.event_name} {conversion.event_id}"


def first(items: list[Item]) -> Item | None:
    return items[0] if items else None


def make_entry(postback: Postback, record: PostbackRecord, key: str, click: Click, now: datetime) -> LedgerEntry:
    """An unsaved ledger entry; what is taken back is negative, and unknown when the network named no amount."""
    payout, amount, currency = record.payout, record.amount, record.currency
    if record.status in TAKEN_BACK:
        payout, amount = negative(payout), negative(amount)
    elif expects_payout(record) and (amount is None or currency == click.offer.currency):
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


def expects_payout(record: PostbackRecord) -> bool:
    """Whether the offer's payout stands in for one that was not sent: a sale has it, nothing else is sure to."""
    return record.payout is None and record.status in CLAIMS and record.kind not in FURTHER


def told_apart(record: PostbackRecord, network: Network, kind: str) -> list[str]:
    """What is part of a fact's key besides its subject, because there may be several of one transaction."""
    takes_changes = network.duplicate_mode == Network.DuplicateMode.UPDATE
    if record.status in ADDED_UP or (record.status == PostbackStatus.REFUNDED and not takes_changes):
        return [record.fact or f"{abs_text(record.payout)} {abs_text(record.amount)}"]
    return [told_by(record)] if kind in FURTHER and not record.transaction_id else []


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
