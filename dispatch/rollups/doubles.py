"""Conversions that tell a sale a second time under another event_id, found by the database; see docs/figures.md."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from conversions.models import Conversion
from dispatch.rollups.renamed import A_MOMENT, ENTRIES, told_again

A_REPETITION = timedelta(minutes=30)
NO_AMOUNT = Decimal("-0.01")
Rows = QuerySet[Conversion]


def doubles_among(rows: Rows, network_id: int, reported_events: set[str]) -> set[int]:
    """The keys of those of these conversions of one network that are doubles, for any of the reasons.

    `reported_events` are the events of their offers that a postback may tell.
    """
    found = [
        of_same_transaction(rows, network_id),
        misnamed(rows).filter(event_name__in=reported_events),
        repeated(rows),
        repeated_without_value(rows),
    ]
    again = told_again(maybe_renamed(rows).order_by().values_list("pk", flat=True))
    return again | {key for part in found for key in part.order_by().values_list("pk", flat=True)}


def of_same_transaction(rows: Rows, network_id: int) -> Rows:
    """Those of these conversions of one network whose transaction an older one has told."""
    return rows.filter(Exists(same_transaction(network_id))).exclude(transaction_id="")


def maybe_renamed(rows: Rows) -> Rows:
    """Those that the network has told a moment after the same money of the click, under another transaction."""
    return rows.filter(ENTRIES, Exists(same_sale()), payout__isnull=False)


def misnamed(rows: Rows) -> Rows:
    """Those that the network has not told under their name, but another one of the click; if it may tell the event."""
    return rows.filter(~ENTRIES, Exists(told_of_click())).exclude(occurrence_key="")


def repeated(rows: Rows) -> Rows:
    """Those that the network has not told, and whose page has told the same value a moment before."""
    return rows.filter(~ENTRIES, Exists(same_page(page_value=OuterRef("page_value"))), transaction_id="")


def repeated_without_value(rows: Rows) -> Rows:
    """The same of pages that tell no value; one query for both would be an OR, which takes another way."""
    return rows.filter(~ENTRIES, Exists(same_page(page_value=None)), transaction_id="", page_value=None)


def others(*same: str) -> Rows:
    """Conversions that count and are like the outer one in these columns."""
    like: dict[str, Any] = {name: OuterRef(name) for name in ("event_name", *same)}
    return Conversion.objects.filter(is_test=False, **like)


def same_transaction(network_id: int) -> Rows:
    """Older ones of the same transaction, of any click of the network."""
    older = others("transaction_id", "kind").filter(pk__lt=OuterRef("pk"), offer__network=network_id)
    return older.exclude(transaction_id="")


def same_sale() -> Rows:
    """Older ones of the same click and money that the network has told, by both clocks a moment apart at most."""
    like = others("click", "kind", "network_event", "payout", "currency").filter(ENTRIES, pk__lt=OuterRef("pk"))
    like = like.alias(known=known(F("amount"))).filter(known=known(OuterRef("amount")))
    return like.exclude(transaction_id=OuterRef("transaction_id")).filter(
        before("created_at", A_MOMENT), near("occurred_at", A_MOMENT)
    )


def known(amount: F) -> Coalesce:
    """With a number that no sale has for none, so that none is like none."""
    return Coalesce(amount, Value(NO_AMOUNT))


def told_of_click() -> Rows:
    """Those of the same click that the network has told."""
    return others("click").filter(ENTRIES).exclude(pk=OuterRef("pk"))


def same_page(**value: Any) -> Rows:
    """Older ones of the same click, page and value, at most half an hour before, that the network has not told."""
    close = others("click", "page_url").filter(before("created_at", A_REPETITION), pk__lt=OuterRef("pk"))
    return close.filter(~ENTRIES, transaction_id="", **value)


def before(column: str, span: timedelta) -> Q:
    """Not after the outer one, nor longer before."""
    return Q(**{f"{column}__lte": OuterRef(column), f"{column}__gte": later_than_outer(column, -span)})


def near(column: str, span: timedelta) -> Q:
    """No longer apart from the outer one."""
    bounds = [later_than_outer(column, moment) for moment in (-span, span)]
    return Q(**{f"{column}__range": bounds})


def later_than_outer(column: str, moment: timedelta) -> "ExpressionWrapper[CombinedExpression]":
    return ExpressionWrapper(OuterRef(column) + moment, DateTimeField())
