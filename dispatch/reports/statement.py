"""The SQL of a report: which tables hold the days, one SELECT for each span, added up in one go.

Django's ORM writes the inner SELECTs; it has no way to add up a UNION.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.functions import TruncDate, TruncHour

from dispatch.models import OfferSlot, SourceDay, SourceSlot
from dispatch.models.rollup import Traffic
from dispatch.reports.dimensions import FILTERS, GIVEN_NOT, NUMBERED
from dispatch.reports.figures import COUNTS, MONEY
from dispatch.reports.zones import hours_shifts
from dispatch.rollups.slots import day_of

FIGURES = (*COUNTS, *MONEY)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """From when until when one table is read; `is_before` for what the report is compared with."""

    model: type[Traffic]
    since: datetime
    until: datetime
    is_before: bool = False


def spans(since: datetime, until: datetime, needs_sources: bool, needs_slots: bool) -> Iterator[Span]:
    """The tables that hold a period with the fewest rows: whole UTC days by the day, their edges by the half-hour."""
    if not needs_sources:
        yield Span(OfferSlot, since, until)
        return
    first, last = day_of(since + ONE_DAY - timedelta(microseconds=1)), day_of(until)
    if needs_slots or first >= last:
        yield Span(SourceSlot, since, until)
        return
    for span in (Span(SourceSlot, since, first), Span(SourceDay, first, last), Span(SourceSlot, last, until)):
        if span.since < span.until:
            yield span


def wanted(filters: Mapping[str, str]) -> Q:
    """Rows of these filters; clicks belong to no event, so that a filter by event leaves them in."""
    found = Q()
    for key, value in filters.items():
        text = "" if value == GIVEN_NOT else value
        field = FILTERS[key].field
        if key == "event":
            found &= Q(event_name__in=["", text])
        else:
            found &= Q(**{field: int(text) if key in NUMBERED else text})
    return found


def hour_of(since: datetime, until: datetime, zone: Any) -> Any:
    """The hour of the zone that a half-hour is in, as it would begin in UTC were the zone whole hours away."""
    shifts = hours_shifts(since, until, zone)
    moved = [(begin, at_hour(shift)) for begin, shift in shifts]
    cases = [When(starts_at__gte=begin, then=hour) for begin, hour in reversed(moved[1:])]
    return Case(*cases, default=moved[0][1]) if cases else moved[0][1]


def at_hour(shift: timedelta) -> TruncHour:
    if not shift:
        return TruncHour("starts_at", tzinfo=UTC)
    moved = ExpressionWrapper(F("starts_at") + Value(shift), output_field=DateTimeField())
    return TruncHour(moved, tzinfo=UTC)


def time_key(key: str, since: datetime, until: datetime, zone: Any) -> Any:
    return TruncDate("starts_at", tzinfo=zone) if key == "day" else hour_of(since, until, zone)


def inner(found: Sequence[Span], keys: Sequence[Any], where: Q) -> tuple[str, list[Any]]:
    """All rows of the spans with k0, k1, …, is_before, the currency and the figures, as SQL and its parameters."""
    parts: list[str] = []
    params: list[Any] = []
    for span in found:
        sql, own = selected(span, keys, where).query.sql_with_params()
        parts.append(sql)
        params += own
    return " UNION ALL ".join(parts), params


def selected(span: Span, keys: Sequence[Any], where: Q) -> "QuerySet[Any, Any]":
    manager: Any = span.model._default_manager
    rows = manager.filter(where, starts_at__gte=span.since, starts_at__lt=span.until)
    named = {f"k{place}": key for place, key in enumerate(keys)}
    chosen: QuerySet[Any, Any] = rows.annotate(**named, is_before=Value(int(span.is_before))).order_by()
    return chosen.values_list(*named, "is_before", "currency", *FIGURES)


def by_currency(found: Sequence[Span], keys: Sequence[Any], where: Q) -> list[tuple[Any, ...]]:
    """Rows of is_before, currency, the keys and the figures; the keys must have few values."""
    rows, params = inner(found, keys, where)
    names = ", ".join(["is_before", "currency", *(f"k{place}" for place in range(len(keys)))])
    sums = ", ".join(f"SUM({name})" for name in FIGURES)
    sql = f"SELECT {names}, {sums} FROM ({rows}) t GROUP BY {names}"  # noqa: S608 - all names are ours
    return fetched(sql, params)


def by_keys(
    found: Sequence[Span], keys: Sequence[Any], where: Q, currencies: Sequence[str], most: int | None
) -> list[tuple[Any, ...]]:
    """The keys with the most clicks, then conversions, each with all its figures beside one another.

    After the keys come, for the period and, if it is asked for, for the days before: the counts, then payout and
    pending payout of each currency.
    """
    rows, params = inner(found, keys, where)
    names = ", ".join(f"k{place}" for place in range(len(keys)))
    columns, own = figures_of(any(span.is_before for span in found), currencies)
    order = f"SUM(clicks) DESC, SUM({' + '.join(Traffic.STATUSES)}) DESC, {names}"
    limit = f" LIMIT {most:d}" if most else ""
    whole = f"SELECT {names}, {columns} FROM ({rows}) t GROUP BY {names}"  # noqa: S608 - all names are ours
    return fetched(f"{whole} ORDER BY {order}{limit}", [*own, *params])


def figures_of(has_before: bool, currencies: Sequence[str]) -> tuple[str, list[Any]]:
    columns, params = [], []
    for side in (0, 1) if has_before else (0,):
        columns += [f"SUM({name}) FILTER (WHERE is_before = {side:d})" for name in COUNTS]
        for currency in currencies:
            columns += [f"SUM({name}) FILTER (WHERE is_before = {side:d} AND currency = %s)" for name in MONEY]
            params += [currency] * len(MONEY)
    return ", ".join(columns), params


def fetched(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
