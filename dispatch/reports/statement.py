"""The SQL of a report: which tables hold the days, one SELECT for each span, added up in one go.

Django's ORM writes the inner SELECTs; it has no way to add up a UNION.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.db.models.functions import TruncDate, TruncHour

from dispatch.models import OfferSlot, SourceDay, SourceSlot
from dispatch.models.rollup import Traffic
from dispatch.reports.dimensions import FILTERS, GIVEN_NOT, NUMBERED
from dispatch.reports.figures import COUNTS, MONEY
from dispatch.reports.zones import hours_shifts
from dispatch.rollups.slots import parted

FIGURES = (*COUNTS, *MONEY)


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
    if needs_slots:
        yield Span(SourceSlot, since, until)
        return
    for is_days, begin, end in parted(since, until):
        yield Span(SourceDay if is_days else SourceSlot, begin, end)


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
    """All rows of the spans with k0, k1, …, is_before, the currency and the figures, as SQL and its parameters.

    Each table is read once, whatever the spans of it.
    """
    parts: list[str] = []
    params: list[Any] = []
    for model in dict.fromkeys(span.model for span in found):
        sql, own = selected(model, [span for span in found if span.model == model], keys, where).query.sql_with_params()
        parts.append(sql)
        params += own
    return " UNION ALL ".join(parts), params


def selected(model: type[Traffic], found: Sequence[Span], keys: Sequence[Any], where: Q) -> "QuerySet[Any, Any]":
    ranges = Q()
    for span in found:
        ranges |= Q(starts_at__gte=span.since, starts_at__lt=span.until)
    bounds = {"starts_at__gte": min(s.since for s in found), "starts_at__lt": max(s.until for s in found)}
    rows = model._default_manager.filter(where & ranges if len(found) > 1 else where, **bounds)
    named = {f"k{place}": key for place, key in enumerate(keys)}
    chosen: QuerySet[Any, Any] = rows.annotate(**named, is_before=side_of(found)).order_by()
    return chosen.values_list(*named, "is_before", "currency", *FIGURES)


def side_of(found: Sequence[Span]) -> Any:
    """1 for the days before the period, else 0."""
    before = [span.until for span in found if span.is_before]
    if not before:
        return Value(0)
    return Case(When(starts_at__lt=max(before), then=Value(1)), default=Value(0))


@dataclass(frozen=True)
class Wanted:
    """What is added up in one go: by the time `moment` where there is one, by the keys of the `most` lines otherwise.

    `lines_where` is SQL about the keys, such as that an event has to have a name.
    """

    moment: Any = None
    keys: Sequence[Any] = ()
    most: int | None = None
    lines_where: str = ""
    lines_have_before: bool = False


Part = list[tuple[Any, ...]]


def added_up(found: Sequence[Span], where: Q, asked: Wanted) -> tuple[Part, Part]:
    """Rows by time and rows by key, from one reading of the tables: is_before, the currency, the keys, the figures.

    The sums by everything that is asked are few, whatever the size of the tables; both parts are added up from these.
    """
    times = [asked.moment] if asked.moment is not None else []
    rows, params = inner(found, [*asked.keys, *times], where)
    names = ["is_before", "currency", *(f"k{place}" for place in range(len(asked.keys) + len(times)))]
    sums = ", ".join(f"SUM({name}) AS {name}" for name in FIGURES)
    base = f"SELECT {', '.join(names)}, {sums} FROM ({rows}) t GROUP BY {', '.join(names)}"  # noqa: S608 - our names
    keys = names[2 : 2 + len(asked.keys)]
    parts = [by_time(names[-1], keys)] * len(times) + ([by_keys(keys, bool(times), asked)] if keys else [])
    fetched_rows = fetched(f"WITH base AS ({base}) {' UNION ALL '.join(parts)}", params)
    cut = 3 + len(keys)
    timeline = [(*row[1:3], row[cut], *row[cut + 1 :]) for row in fetched_rows if row[0] == 0]
    step = 1 if times else 0
    lines = [(*row[1:cut], *row[cut + step :]) for row in fetched_rows if row[0] == 1]
    return timeline, lines


def summed() -> str:
    return ", ".join(f"SUM({name})" for name in FIGURES)


def by_time(moment: str, keys: Sequence[str]) -> str:
    nothing = "".join("NULL, " for _ in keys)
    names = f"is_before, currency, {nothing}{moment}"
    return f"SELECT 0, {names}, {summed()} FROM base GROUP BY is_before, currency, {moment}"  # noqa: S608 - our names


def by_keys(keys: Sequence[str], has_time: bool, asked: Wanted) -> str:
    """All figures of the keys with the most clicks, then conversions; both sides of them, where both are asked."""
    names = ", ".join(keys)
    sides = [] if asked.lines_have_before else ["is_before = 0"]
    conditions = [*sides, *filter(None, [asked.lines_where])]
    chosen = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f"SUM(clicks) DESC, SUM({' + '.join(Traffic.STATUSES)}) DESC, {names}"
    top = f"SELECT {names} FROM base{chosen} GROUP BY {names} ORDER BY {order} LIMIT {asked.most}"  # noqa: S608
    among = [f"({names}) IN ({top})"] if asked.most else []
    final = f" WHERE {' AND '.join([*conditions, *among])}" if conditions or among else ""
    own = f"is_before, currency, {names}"
    return f"SELECT 1, {own}, {'NULL, ' * has_time}{summed()} FROM base{final} GROUP BY {own}"  # noqa: S608


def fetched(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows. PostgreSQL, which can't know how few sums there are, would sort all rows on disk for want of memory."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
