"""What is told of conversions beside their money: each telling is kept, and of each fact the newest one stands.

Works in memory, beside the books of a digest; where nothing is told and nothing was, it costs no query.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Q

from conversions import bulk
from conversions.book import ClickBook
from conversions.joining import Fact
from conversions.models import Conversion, Enrichment, LedgerEntry, Postback
from conversions.networks.beside import LABELS, MONEY, WORDS
from conversions.networks.record import Beside
from conversions.outcomes import Outcome

FACTS = (*MONEY, *WORDS)
ENRICHED_FIELDS = [*FACTS, "planned_at"]
NEWS = "The conversion takes over the {} that it tells."
NO_NEWS = "What it tells beside the money is kept in the log and changes nothing."
Books = Mapping[str, ClickBook]


def standing_of(told: Sequence[Enrichment], currency: str) -> dict[str, Any]:
    """Each fact for itself: the newest telling that names it; of two told at once, the one that is later in the log.

    Money counts in the conversion's currency only, which is what it is in where none was named.
    """
    standing: dict[str, Any] = {**dict.fromkeys(MONEY), **dict.fromkeys(WORDS, "")}
    for telling in sorted(told, key=lambda row: row.told_at):
        names = FACTS if telling.currency in ("", currency) else WORDS
        standing |= {name: value for name in names if (value := getattr(telling, name)) not in (None, "")}
    return standing


class Notebook:
    """The tellings of a batch's conversions, those in the log and those that the batch brings."""

    def __init__(self) -> None:
        self.conversions: dict[int, Conversion] = {}  # by primary key: the one of several copies that is stored
        self.told: dict[int, tuple[Conversion, list[Enrichment]]] = {}  # by id(), as a new one has no key yet
        self.noted: set[int] = set()  # postbacks whose telling is in the log
        self.new: list[Enrichment] = []
        self.moved: list[Enrichment] = []
        self.changed: dict[int, Conversion] = {}
        self.followed: dict[str, int] = {}

    def load(self, facts: Iterable[Fact], books: Books, known: Iterable[LedgerEntry]) -> None:
        """What the log has of the batch's conversions: one query, and none where it can have nothing."""
        stored = [*(entry.conversion for entry in known), *(c for book in books.values() for c in book.conversions)]
        self.conversions = {conversion.pk: conversion for conversion in stored}
        telling = [postback.pk for postback, record in facts if record.beside]
        wanted = [key for key, c in self.conversions.items() if telling or is_enriched(c)]
        if not (telling or wanted):
            return
        of_these = Q(conversion__in=wanted) | Q(postback__in=telling)
        for row in Enrichment.objects.filter(of_these).order_by("pk"):
            self.noted.add(row.postback_id or 0)
            if row.conversion_id in self.conversions:
                self.of(self.conversions[row.conversion_id]).append(row)

    def of(self, conversion: Conversion) -> list[Enrichment]:
        return self.told.setdefault(id(conversion), (conversion, []))[1]

    def take(
        self, postback: Postback, beside: Beside, result: tuple[Outcome, str], book: ClickBook | None, now: datetime
    ) -> tuple[Outcome, str]:
        """Keep what a digested postback tells, and say so: a repetition that brings news has updated its conversion."""
        outcome, detail = result
        if book is None or postback.conversion is None:
            return result
        self.follow(book)
        conversion = self.conversions.get(postback.conversion.pk or 0, postback.conversion)
        beside = beside_of(conversion, book, beside)
        words = [detail, other_currency(conversion, beside), beside.unread]
        if beside and postback.pk not in self.noted:
            changed = self.note(postback, conversion, beside, now)
            if outcome == Outcome.DUPLICATE:
                words.insert(1, NEWS.format(" and the ".join(changed)) if changed else NO_NEWS)
                outcome = Outcome.UPDATED if changed else outcome
        return outcome, " ".join(filter(None, words))

    def note(self, postback: Postback, conversion: Conversion, beside: Beside, now: datetime) -> list[str]:
        """Add a telling; the names of what it changes."""
        telling = Enrichment(
            conversion=conversion,
            postback=postback,
            **{name: getattr(beside, name) for name in FACTS},
            currency=beside.currency,
            told_at=beside.told_at or postback.received_at,
            created_at=now,
        )
        self.noted.add(postback.pk)
        self.new.append(telling)
        self.of(conversion).append(telling)
        return [LABELS[name] for name in self.restate(conversion)]

    def follow(self, book: ClickBook) -> None:
        """Where a sale was given back to the page that had named it, what was told of it goes along."""
        for move in book.moves[self.followed.get(book.click.pk, 0) :]:
            source = self.told.pop(id(move.source), (move.source, []))[1]
            for telling in source:
                telling.conversion = move.target
            self.of(move.target).extend(source)
            self.moved += [telling for telling in source if telling.pk]
            self.told[id(move.source)] = (move.source, [])
            self.restate(move.source)
            self.restate(move.target)
        self.followed[book.click.pk] = len(book.moves)

    def restate(self, conversion: Conversion) -> list[str]:
        """Give the conversion what stands, to be planned anew; the facts that have changed."""
        standing = standing_of(self.of(conversion), conversion.currency)
        changed = [name for name, value in standing.items() if getattr(conversion, name) != value]
        for name in changed:
            setattr(conversion, name, standing[name])
        if changed:
            conversion.planned_at = None
            self.changed[id(conversion)] = conversion
        return changed

    def settle(self) -> list[Conversion]:
        """The conversions that have changed; a currency may have done so since the last telling."""
        for conversion, _ in self.told.values():
            self.restate(conversion)
        return list(self.changed.values())

    def store(self) -> None:
        """Write the log. Conversions and postbacks have their keys."""
        for telling in [*self.new, *self.moved]:
            telling.conversion_id = telling.conversion.pk
        bulk.insert(self.new)
        bulk.update(self.moved, ["conversion"])


def is_enriched(conversion: Conversion) -> bool:
    """Whether something was told of it beside its money, and stands."""
    return any(getattr(conversion, name) not in (None, "") for name in FACTS)


def other_currency(conversion: Conversion, beside: Beside) -> str:
    """That money is not taken over, for it is in another currency than the conversion's."""
    names = [LABELS[name] for name in MONEY if getattr(beside, name) is not None]
    if not names or beside.currency in ("", conversion.currency):
        return ""
    words = f"The {' and the '.join(names)} came in {beside.currency} instead of {conversion.currency}"
    return f"{words} and stands in the log only."


def beside_of(conversion: Conversion, book: ClickBook, beside: Beside) -> Beside:
    """What is taken in: of people who were erased nothing but the money."""
    click = book.click if conversion.click_id == book.click.pk else conversion.click
    return replace(beside, segment="", lead_quality="") if click.erased_at else beside
