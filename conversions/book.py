"""What one postback means for the conversions of its click. Works in memory; the digest loads and stores."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from conversions.event_ids import make_event_id
from conversions.facts import (
    ADDED_UP,
    CLAIMS,
    REFUNDS,
    Slot,
    Sold,
    agree,
    counts_each,
    difference,
    first,
    has_kind,
    kind_corrected,
    make_entry,
    moment_of,
    remarks,
    says_other_money,
    slot,
    told_apart,
    told_by,
)
from conversions.giving_back import Move, bears_name, give_to, misled, take_from
from conversions.ledger import Kind, standing_of
from conversions.models import Click, Conversion, LedgerEntry, Postback
from conversions.models.postback import FROM_FILE
from conversions.networks.record import PostbackRecord
from conversions.outcomes import Outcome
from conversions.rulebook import FURTHER, Rulebook
from offers.models import EventRule

Result = tuple[Outcome, str]


class ClickBook(Rulebook):
    """The conversions of one click with their ledger entries, as they are and as postbacks change them.

    A network's event word tells conversions of one transaction apart only where a rule of the offer is made for that
    word; any other word is read as none, for many networks name each step of one sale differently. Rebills and upsells
    are conversions of their own, whether or not a rule tells TikTok of them, and never take the event_id of the sale.
    """

    def __init__(self, click: Click, rules: Sequence[EventRule]) -> None:
        super().__init__(click, rules)
        self.conversions: list[Conversion] = []
        self.entries: dict[Slot, list[LedgerEntry]] = {}
        self.new_conversions: list[Conversion] = []
        self.new_entries: list[LedgerEntry] = []
        self.changed: dict[Slot, Conversion] = {}  # these are planned anew
        self.moves: list[Move] = []
        self.completed: dict[Slot, Conversion] = {}  # these have learned an id or a digest, which plans nothing

    def load(self, conversion: Conversion, entries: Iterable[LedgerEntry]) -> None:
        """Add a stored conversion with its entries."""
        self.conversions.append(conversion)
        self.entries[slot(conversion)] = list(entries)

    def record(self, postback: Postback, record: PostbackRecord, key: str, now: datetime) -> Result:
        """Take a new fact over. Raises PostbackRefusedError when the offer has no rule for it."""
        self.give_back(postback, record, now)
        known = self.find(record) or self.of_file(postback, record) or self.recast(postback, record)
        conversion = known or self.create(postback, record, now)
        entries = self.entries[slot(conversion)]
        if not entries:
            conversion.kind = self.kind_of(record) or conversion.kind
        if record.status in CLAIMS and has_kind(entries, record.status):
            if counts_each(postback):
                return self.count_again(postback, record, now)
            self.adopt(conversion, postback, record)
            self.completed[slot(conversion)] = conversion
            return Outcome.DUPLICATE, "The same fact came before, with or without a transaction id."
        outcome = Outcome.UPDATED if entries else Outcome.RECORDED
        self.adopt(conversion, postback, record)
        self.add_entry(conversion, make_entry(postback, record, key, conversion, now))
        return outcome, remarks(postback, record, conversion)

    def count_again(self, postback: Postback, record: PostbackRecord, now: datetime) -> Result:
        """A repeated fact where the network's duplicate mode counts each one: a conversion of its own."""
        conversion = self.create(postback, record, now)
        key = self.key_of(record, f"repetition {postback.pk}")
        self.add_entry(conversion, make_entry(postback, record, key, conversion, now))
        self.adopt(conversion, postback, record)
        return Outcome.RECORDED, "Counted again, as the network's duplicate mode says."

    def correct(self, known: LedgerEntry, postback: Postback, record: PostbackRecord, now: datetime) -> Result:
        """A known fact with other amounts, where the network's duplicate mode takes changes over.

        What the sale brings changes by a correction; of a pending claim or of a reversal, one more entry of its kind
        holds the difference.
        """
        conversion = self.conversion_of(known)
        postback.conversion = conversion
        key = self.key_of(record, f"correction {postback.pk}")
        entry = make_entry(postback, record, key, conversion, now)
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
            found = found or [c for c in self.conversions if self.is_named(c, record)]
        else:
            event_name = self.event_name_for(record)
            found = [c for c in same if c.event_name == event_name and self.may_say(c, record)]
        return min(found, key=lambda c: self.distance(c, record), default=None)

    def of_file(self, postback: Postback, record: PostbackRecord) -> Conversion | None:
        """The same sale as a file told of it, under its bare transaction, where calls append their goal or order."""
        base, dash, _ = record.transaction_id.partition("-")
        if not (dash and postback.network.format.joins_transactions):
            return None
        return first([c for c in self.conversions if c.transaction_id == base and self.is_from_file(c)])

    def is_from_file(self, conversion: Conversion) -> bool:
        sources = [entry.postback for entry in self.entries[slot(conversion)]]
        return bool(sources) and all(source and source.method == FROM_FILE for source in sources)

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
        sold = [c for c in conversions if has_kind(self.entries[slot(c)], Kind.SALE)]
        if sold:
            return sold
        event_name = self.event_name_for(record)
        return [c for c in conversions if c.event_name == event_name]

    def key_of(self, record: PostbackRecord, suffix: str = "") -> str:
        """The idempotency key of a fact: (transaction, word), without a transaction (click, word), and the status."""
        subject = f"txid {record.transaction_id}" if record.transaction_id else f"click {self.click.pk}"
        kind = self.kind_of(record)
        further = [kind] if kind in FURTHER else []
        parts = [
            subject,
            self.word(record.event).casefold(),
            record.status,
            *further,
            *told_apart(record, kind),
        ]
        return hashlib.sha256("\n".join([*parts, suffix]).encode()).hexdigest()

    def is_named(self, conversion: Conversion, record: PostbackRecord) -> bool:
        """Whether a page has told of this event under the record's transaction, and nobody else yet."""
        is_ours = bears_name(conversion, record.transaction_id) and not self.entries[slot(conversion)]
        return is_ours and conversion.event_name == self.event_name_for(record)

    def distance(self, conversion: Conversion, record: PostbackRecord) -> tuple[bool, bool, bool, bool, bool]:
        """How far a conversion is from what the record names: transaction first, then what was sold and the event."""
        is_same = conversion.transaction_id == record.transaction_id
        return (
            not is_same,
            not is_same and not bears_name(conversion, record.transaction_id),
            conversion.kind != Sold.SALE,
            self.word(conversion.network_event) != self.word(record.event),
            conversion.occurrence_key != "",
        )

    def create(self, postback: Postback, record: PostbackRecord, now: datetime) -> Conversion:
        """A conversion under the first free occurrence key of its event; a waiting page event is taken over instead."""
        event_name, kind = self.event_name_for(record), self.kind_of(record) or Sold.SALE
        page_event = first([c for c in self.conversions if c.event_name == event_name and not self.entries[slot(c)]])
        if page_event and kind == Sold.SALE:
            return page_event
        key = self.free_occurrence_key(event_name, postback, record)
        return self.add(event_name, key, kind, moment_of(postback, record, self.click), now)

    def add(self, event_name: str, occurrence_key: str, kind: str, occurred_at: datetime, now: datetime) -> Conversion:
        conversion = Conversion(
            click=self.click,
            offer=self.click.offer,
            event_name=event_name,
            event_id=make_event_id(self.click.pk, event_name, occurrence_key),
            occurrence_key=occurrence_key,
            kind=kind,
            occurred_at=occurred_at,
            page_url=self.click.landing_url,
            referrer=self.click.referrer,
            is_test=self.click.is_test,
            created_at=now,
        )
        self.load(conversion, [])
        self.new_conversions.append(conversion)
        return conversion

    def give_back(self, postback: Postback, record: PostbackRecord, now: datetime) -> None:
        """Free the sale that a page has named by this transaction from another one that has taken it.

        That one goes to the sale of its own name, which may have to be freed first.
        """
        taken = misled(self.conversions, record.transaction_id)
        if taken is None or taken.event_name != self.event_name_for(record):
            return
        entries = self.entries[slot(taken)]
        other = replace(record, transaction_id=taken.transaction_id, kind=taken.kind)
        told, self.entries[slot(taken)] = take_from(taken), []
        self.give_back(postback, other, now)
        target = first([c for c in self.conversions if self.is_named(c, other)])
        if target is None:
            key = self.free_occurrence_key(taken.event_name, postback, other)
            target = self.add(taken.event_name, key, taken.kind, entries[0].occurred_at, now)
        self.moves.append(Move(entries, taken, target, record.transaction_id))
        self.entries[slot(target)] = entries
        give_to(target, told)
        for entry in entries:
            entry.conversion = target
        self.restate(target)
        self.restate(taken)

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

    def twin_of(self, record: PostbackRecord) -> LedgerEntry | None:
        """A refund or correction in the ledger that says the same as the record, whatever tells the two apart."""
        if record.status not in REFUNDS | ADDED_UP:
            return None
        conversion = self.find(record)
        same = REFUNDS if record.status in REFUNDS else ADDED_UP - REFUNDS
        entries = self.entries[slot(conversion)] if conversion else []
        return first([entry for entry in entries if entry.kind in same and not says_other_money(entry, record)])

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
        self.restate(conversion)

    def restate(self, conversion: Conversion) -> None:
        """What the conversion's entries come to, to be planned anew."""
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
