"""Conversions that tell a sale a second time under another event_id, found by the database; see docs/figures.md."""

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, Exists, ExpressionWrapper, OuterRef, QuerySet

from conversions.models import Conversion, LedgerEntry

A_REPETITION = timedelta(minutes=30)
Rows = QuerySet[Conversion]
ENTRIES = Exists(LedgerEntry.objects.filter(conversion=OuterRef("pk")))


def doubles_among(rows: Rows, network_id: int, reported_events: set[str]) -> set[int]:
    """The keys of those of these conversions of one offer that are doubles, for either reason."""
    return same_transactions(rows, network_id) | told_otherwise(rows, reported_events)


def same_transactions(rows: Rows, network_id: int) -> set[int]:
    """The keys of those of these conversions of one network whose transaction an older one has told."""
    return keys_of(rows.filter(Exists(same_transaction(network_id))).exclude(transaction_id=""))


def told_otherwise(rows: Rows, reported_events: set[str]) -> set[int]:
    """The keys of those that the network has not told, and that tell a sale which another one of the click tells.

    `reported_events` are the events of their offer that a postback may tell.
    """
    unreported = rows.filter(~ENTRIES)
    misnamed = unreported.filter(Exists(told_of_click()), event_name__in=reported_events).exclude(occurrence_key="")
    nameless = unreported.filter(transaction_id="")
    repeated = nameless.filter(Exists(same_page(page_value=OuterRef("page_value"))))
    valueless = nameless.filter(Exists(same_page(page_value=None)), page_value=None)
    return keys_of(misnamed) | keys_of(repeated) | keys_of(valueless)


def keys_of(rows: Rows) -> set[int]:
    return set(rows.order_by().values_list("pk", flat=True))


def others(*same: str) -> Rows:
    """Conversions that count and are like the outer one in these columns."""
    like: dict[str, Any] = {name: OuterRef(name) for name in ("event_name", *same)}
    return Conversion.objects.filter(is_test=False, **like)


def same_transaction(network_id: int) -> Rows:
    """Older ones of the same transaction, of any click of the network."""
    older = others("transaction_id", "kind").filter(pk__lt=OuterRef("pk"), offer__network=network_id)
    return older.exclude(transaction_id="")


def told_of_click() -> Rows:
    """Those of the same click that the network has told."""
    return others("click").filter(ENTRIES).exclude(pk=OuterRef("pk"))


def same_page(**value: Any) -> Rows:
    """Older ones of the same click, page and value, at most half an hour before, that the network has not told."""
    since = ExpressionWrapper(OuterRef("created_at") - A_REPETITION, DateTimeField())
    close = others("click", "page_url").filter(created_at__lte=OuterRef("created_at"), created_at__gte=since)
    return close.filter(~ENTRIES, pk__lt=OuterRef("pk"), transaction_id="", **value)
