"""A page's sale that another transaction has taken, before the one came by which the page had named it.

A page may number its sales in a way of its own, so a postback takes any sale of a page that waits. When the postback
comes that bears the page's own number, each of the two gets what is its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from conversions import bulk
from conversions.event_ids import page_key
from conversions.facts import first
from conversions.models import Conversion, LedgerEntry, Postback

TAKEN_ALONG = ("transaction_id", "network_event", "email_sha256", "phone_sha256")


@dataclass(frozen=True)
class Move:
    """Entries that leave a conversion for another one; `kept` is the transaction that the first one is of now."""

    entries: list[LedgerEntry]
    source: Conversion
    target: Conversion
    kept: str


def bears_name(conversion: Conversion, transaction: str) -> bool:
    """Whether a page has named the event by this transaction."""
    return bool(transaction) and conversion.occurrence_key == page_key(transaction)


def misled(conversions: Iterable[Conversion], transaction: str) -> Conversion | None:
    """The sale that a page has named by this transaction, and that bears another one."""
    named = [conversion for conversion in conversions if bears_name(conversion, transaction)]
    return first([conversion for conversion in named if conversion.transaction_id not in ("", transaction)])


def take_from(source: Conversion) -> dict[str, str]:
    """What the other transaction has told of it, which it has no longer."""
    told = {name: getattr(source, name) for name in TAKEN_ALONG}
    for name in TAKEN_ALONG:
        setattr(source, name, "")
    return told


def give_to(target: Conversion, told: dict[str, str]) -> None:
    for name, value in told.items():
        setattr(target, name, getattr(target, name) or value)


def store_moves(moves: Iterable[Move]) -> None:
    """Write the moves; entries and postbacks that are new are stored already."""
    for move in moves:
        stored = [entry for entry in move.entries if entry.pk]
        for entry in stored:
            entry.conversion_id = entry.conversion.pk
        bulk.update(stored, ["conversion"])
        others = Postback.objects.filter(conversion=move.source.pk).exclude(transaction_id=move.kept)
        others.update(conversion=move.target.pk)
