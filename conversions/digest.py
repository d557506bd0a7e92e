"""Digest: what postbacks mean. Claimed in batches, joined in one query, stored in bulk, each with its outcome."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from conversions import bulk, clock
from conversions.book import ClickBook
from conversions.click_ids import is_click_id
from conversions.enriching import ENRICHED_FIELDS, FACTS, Notebook
from conversions.erased import drop_erased, let_nobody_be_erased
from conversions.facts import ADDED_UP, CLAIMS, counts_each, says_other_money
from conversions.giving_back import store_moves
from conversions.joining import Fact, join_by_transaction, unmatched, waiting_for
from conversions.models import Click, Conversion, LedgerEntry, Postback
from conversions.models.postback import FROM_FILE
from conversions.networks.naming import note_names
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.networks.uploaded import read_postback
from conversions.outage import is_outage
from conversions.outcomes import Outcome
from conversions.signals import announce, recount
from conversions.stripping import STRIPPED, strip_call
from offers.models import EventRule, Network, Offer

logger = logging.getLogger(__name__)

BATCH_SIZE = 500
HEARD_PRECISION = timedelta(minutes=1)
Row = TypeVar("Row", bound=Model)


def digest_batch(now: datetime, limit: int = BATCH_SIZE) -> int:
    """Digest up to `limit` due postbacks in one transaction; how many there were.

    Rows that another worker has claimed are skipped. A batch that fails through a fault of ours is repeated row by
    row, so that one row can't hold up the others. Raises django.db.Error when the database is away.
    """
    keys: list[int] = []
    try:
        with transaction.atomic():
            postbacks = claim(Postback.objects.due(now).order_by("due_at")[:limit])
            keys = [postback.pk for postback in postbacks]
            Digest(now).run(postbacks)
    except Exception as error:  # a fault of ours must not stop the queue
        if is_outage(error):
            raise
        logger.exception("Digesting a batch of %d failed; trying one by one", len(keys))
        for key in keys:
            digest_one(key)
    return len(keys)


def digest_one(key: int) -> Postback:
    """Digest one postback now, whatever its turn, and return it with its outcome.

    What fails through a fault of ours is put aside with that outcome instead of being tried for ever.
    """
    try:
        with transaction.atomic():
            Digest(clock.now()).run(claim(Postback.objects.filter(pk=key), skip_locked=False))
    except Exception as error:  # a fault of ours must not stop the queue
        if is_outage(error):
            raise
        logger.exception("Postback %d could not be digested", key)
        detail = f"{type(error).__name__} while digesting."
        with transaction.atomic():
            Postback.objects.filter(pk=key).update(outcome=Outcome.FAILED, detail=detail, due_at=None)
            recount(postbacks=[key])
    return Postback.objects.select_related("conversion", "network").get(pk=key)


def rematch_arrived(now: datetime) -> int:
    """Make waiting postbacks due whose click has arrived meanwhile; how many."""
    arrived = Click.objects.filter(pk__in=Postback.objects.unmatched().values("click_ref")).values("pk")
    return Postback.objects.unmatched().filter(due_at__gt=now, click_ref__in=arrived).update(due_at=now)


def claim(rows: "QuerySet[Postback]", skip_locked: bool = True) -> list[Postback]:
    """Lock the rows, then their networks: facts of one network are taken over one batch at a time."""
    let_nobody_be_erased()
    postbacks = list(rows.select_for_update(skip_locked=skip_locked))
    networks = Network.objects.select_for_update(no_key=True).order_by("pk")
    by_key = networks.in_bulk({postback.network_id for postback in postbacks})
    for postback in postbacks:
        postback.network = by_key[postback.network_id]
    return postbacks


@dataclass
class Digest:
    """One batch on its way from raw postbacks to stored conversions. The caller holds the transaction."""

    now: datetime
    books: dict[str, ClickBook] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    known: dict[tuple[int, str], LedgerEntry] = field(default_factory=dict)
    notebook: Notebook = field(default_factory=Notebook)

    def run(self, postbacks: list[Postback]) -> None:
        facts = self.facts_of(postbacks)
        waiting = waiting_for(facts)
        postbacks, facts = [*postbacks, *waiting], [*facts, *self.facts_of(waiting)]
        join_by_transaction(facts)
        self.load_books({postback.click_ref for postback, _ in facts})
        self.keep_erased_away(postbacks)
        self.load_known(facts)
        self.notebook.load(facts, self.books, self.known.values())
        for postback, record in facts:
            self.settle(postback, record)
        self.store(postbacks)
        note_heard(postbacks)

    def facts_of(self, postbacks: list[Postback]) -> list[Fact]:
        return [(postback, record) for postback in postbacks if (record := self.read(postback))]

    def read(self, postback: Postback) -> PostbackRecord | None:
        """The neutral record, or None with the reason written on the postback."""
        if postback.outcome == Outcome.IP_NOT_ALLOWED and not postback.network.accepts_ip(postback.remote_ip):
            postback.settle(postback.outcome, postback.detail, self.now)
            return None
        try:
            record = read_postback(postback, postback.params)
        except PostbackRefusedError as refusal:
            postback.status_word = refusal.word
            note_names(postback)
            postback.settle(refusal.outcome, refusal.detail, self.now)
            return None
        postback.conversion = None
        postback.click_ref = postback.attached_to or record.click_id
        postback.transaction_id = record.transaction_id
        return record

    def load_books(self, click_ids: set[str]) -> None:
        """Every click of the batch with its offer's rules, conversions and their entries: five queries."""
        wanted = [click_id for click_id in click_ids if is_click_id(click_id)]
        clicks = Click.objects.only(*OF_CLICKS).in_bulk(wanted)
        offers = Offer.objects.in_bulk({click.offer_id for click in clicks.values()})
        for click in clicks.values():
            click.offer = offers[click.offer_id]
        rules = group(EventRule.objects.filter(offer__in=offers), "offer_id")
        self.books = {key: ClickBook(click, rules[click.offer_id]) for key, click in clicks.items()}
        conversions = list(Conversion.objects.filter(click__in=clicks).order_by("pk"))
        entries = group(LedgerEntry.objects.filter(conversion__in=conversions).order_by("pk"), "conversion_id")
        for conversion in conversions:
            self.books[conversion.click_id].load(conversion, entries[conversion.pk])

    def keep_erased_away(self, postbacks: list[Postback]) -> None:
        """Of people who were erased no digest is taken in again, and of their clicks nothing but what happened."""
        clicks = {key for key, book in self.books.items() if book.click.erased_at}
        stripped = [postback for postback in postbacks if postback.click_ref in clicks]
        for postback in stripped:
            strip_call(postback)
        bulk.update([*stripped, *drop_erased(postbacks)], STRIPPED)

    def load_known(self, facts: list[Fact]) -> None:
        """What the ledger has of the batch's facts already, on whichever click: one query."""
        books = self.books
        self.keys = {p.pk: books[p.click_ref].key_of(record) for p, record in facts if p.click_ref in books}
        entries = LedgerEntry.objects.filter(key__in=set(self.keys.values())).select_related("conversion")
        self.known = {(entry.network_id, entry.key): entry for entry in entries}

    def settle(self, postback: Postback, record: PostbackRecord) -> None:
        try:
            result = self.take_over(postback, record)
            book = self.books.get(postback.click_ref)
            outcome, detail = self.notebook.take(postback, record.beside, result, book, self.now)
        except PostbackRefusedError as refusal:
            outcome, detail = Outcome(refusal.outcome), refusal.detail
        postback.settle(outcome, detail, self.now)

    def take_over(self, postback: Postback, record: PostbackRecord) -> tuple[Outcome, str]:
        """The outcome of one readable postback; its conversion is written on it. Raises PostbackRefusedError."""
        book = self.books.get(postback.click_ref)
        if book is None:
            return unmatched(postback, record)
        postback.is_test = book.click.is_test
        if book.click.offer.network_id != postback.network_id:
            return Outcome.WRONG_NETWORK, f"The click belongs to the offer “{book.click.offer}”."
        own = book.entry_of(postback, record)
        if own:
            postback.conversion = book.conversion_of(own)
            return Outcome.RECORDED, "Digested again; it was in the ledger already."
        key = self.keys[postback.pk]
        known = self.known.get((postback.network_id, key))
        if known:
            return self.repeat(book, known, postback, record)
        if self.is_told_by_a_file(book, postback, record):
            return Outcome.DUPLICATE, "The ledger has this from a file already, or a call told what the file tells."
        result = book.record(postback, record, key, self.now)
        self.known.update({(e.network_id, e.key): e for e in book.new_entries[-1:]})
        return result

    def is_told_by_a_file(self, book: ClickBook, postback: Postback, record: PostbackRecord) -> bool:
        """Whether a reversal is in the ledger with the same money, and either that or this one came in a file.

        Files lack the ids by which calls tell several refunds of a transaction apart.
        """
        twin = book.twin_of(record)
        if twin is None:
            return False
        postback.conversion = twin.conversion
        return FROM_FILE in (postback.method, twin.postback.method if twin.postback else "")

    def repeat(
        self, book: ClickBook, known: LedgerEntry, postback: Postback, record: PostbackRecord
    ) -> tuple[Outcome, str]:
        """A fact that is in the ledger already: the network's duplicate mode decides.

        Counting is for sales and claims: a repeated reversal would be a conversion that nobody made.
        """
        postback.conversion = known.conversion
        if counts_each(postback) and record.status in CLAIMS:
            return book.count_again(postback, record, self.now)
        may_change = postback.network.duplicate_mode == Network.DuplicateMode.UPDATE and record.status not in ADDED_UP
        if may_change and known.conversion.click_id == book.click.pk:
            return book.correct(known, postback, record, self.now)
        if not says_other_money(known, record):
            return Outcome.DUPLICATE, f"The same as {known.source}."
        return Outcome.DUPLICATE, f"Other amounts than {known.source}; ignored by the duplicate mode."

    def store(self, postbacks: list[Postback]) -> None:
        """Write everything in bulk. The unique constraints have the last word."""
        books = self.books.values()
        touched = self.store_conversions()
        entries = [entry for book in books for entry in book.new_entries]
        for entry in entries:
            entry.conversion_id = entry.conversion.pk
        bulk.insert(entries)
        self.notebook.store()
        for postback in postbacks:
            postback.conversion_id = postback.conversion.pk if postback.conversion else None
        bulk.update(postbacks, POSTBACK_FIELDS)
        store_moves(move for book in books for move in book.moves)
        recount(conversions=[c.pk for c in touched], postbacks=[postback.pk for postback in postbacks])
        if entries or self.notebook.changed:
            transaction.on_commit(announce)

    def store_conversions(self) -> list[Conversion]:
        """Write the stored ones, then the new ones, which may take over an event_id that was given up; all of them."""
        books = self.books.values()
        changed = [c for book in books for c in book.changed.values() if c.pk]
        completed = [c for book in books for name, c in book.completed.items() if c.pk and name not in book.changed]
        enriched = [c for c in self.notebook.settle() if c.pk]
        lock([*changed, *completed, *enriched])
        bulk.update(changed, CHANGING_FIELDS)
        bulk.update(completed, ADOPTED_FIELDS)
        bulk.update(enriched, ENRICHED_FIELDS)
        new = [conversion for book in books for conversion in book.new_conversions]
        raced = insert_conversions(new)
        lock(raced)
        bulk.update(raced, [*CHANGING_FIELDS, *FACTS])
        return [*changed, *completed, *new]


OF_CLICKS = ["offer", "created_at", "landing_url", "referrer", "erased_at", "is_test"]
ADOPTED_FIELDS = ["transaction_id", "network_event", "email_sha256", "phone_sha256"]
CHANGING_FIELDS = [
    *ADOPTED_FIELDS, "status", "payout", "amount", "currency", "planned_at",
    "kind", "event_name", "event_id", "occurrence_key",
]  # fmt: skip
POSTBACK_FIELDS = [
    "outcome", "detail", "conversion", "click_ref", "transaction_id", "status_word", "due_at", "tries", "digested_at",
    "is_test",
]  # fmt: skip


def lock(conversions: list[Conversion]) -> None:
    """In the order of their keys, as an answer about consent does it, or the two could wait for each other."""
    keys = {conversion.pk for conversion in conversions}
    if len(keys) > 1:
        list(Conversion.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def note_heard(postbacks: list[Postback]) -> None:
    """Keep when each network last called. Its row is locked by the batch; a minute's precision spares most writes."""
    calls = [postback for postback in postbacks if postback.method != FROM_FILE and not postback.is_test]
    for network in {postback.network for postback in calls}:
        newest = max(postback.received_at for postback in calls if postback.network_id == network.pk)
        if network.heard_at is None or newest - network.heard_at > HEARD_PRECISION:
            Network.objects.filter(pk=network.pk).update(heard_at=newest)


def insert_conversions(new: list[Conversion]) -> list[Conversion]:
    """Insert with their primary keys filled in; those that a page had inserted a moment before us."""
    return bulk.insert_new(new, ("event_id", "event_name"))


def group(rows: Iterable[Row], attribute: str) -> defaultdict[int, list[Row]]:
    grouped: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[getattr(row, attribute)].append(row)
    return grouped
