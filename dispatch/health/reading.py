"""Figures of offers, networks and pixels out of the sums by half-hour: a constant number of queries at any size."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from django.db import connection, models
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from dispatch import clock
from dispatch.findings.finding import Scope
from dispatch.health.figures import Figures
from dispatch.models import NetworkSlot, OfferSlot, TellingDay, TellingSlot
from dispatch.models.rollup import SLOT
from dispatch.rollups.slots import days_between, parted, slot_of
from dispatch.rollups.telling import COUNTS, IDENTIFIERS

FRESH_FOR = timedelta(minutes=15)
OWN_COLUMN: dict[Scope, dict[type[models.Model], str]] = {
    Scope.OFFER: {OfferSlot: "offer_id", TellingSlot: "offer_id"},
    Scope.NETWORK: {OfferSlot: "offer__network_id", TellingSlot: "offer__network_id", NetworkSlot: "network_id"},
    Scope.PIXEL: {TellingSlot: "pixel_id"},
}
CONVERSIONS = sum((F(name) for name in OfferSlot.STATUSES[1:]), F(OfferSlot.STATUSES[0]))
EXPANDED = {"postgresql": "jsonb_each_text(slots.counts)", "sqlite": "json_each(slots.counts)"}
Sums = dict[Any, Figures]


def figures(
    scope: Scope, since: datetime, until: datetime, subjects: Iterable[int] | None = None
) -> dict[int, Figures]:
    """What the half-hours from the one of `since` to the last that began before `until` add up to, by subject's key.

    Subjects of which nothing is recorded are left out, unless they are named in `subjects`, which narrows it down. A
    network has the sums of the offers that are its own today. A pixel has what was on its way to TikTok only.
    """
    named = None if subjects is None else list(subjects)
    if named == []:
        return {}
    found: Sums = defaultdict(Figures)
    for key in named or []:
        found[key] = Figures()
    for table, column in OWN_COLUMN[Scope(scope)].items():
        ADDERS[table](found, slots_of(table, column, since, until, named), column)
    for table, begin, end in delay_tables(since, until):
        column = OWN_COLUMN[Scope(scope)][TellingSlot]
        add_delays(found, slots_of(table, column, begin, end, named), column)
    return dict(found)


def series(
    scope: Scope, subject: int, since: datetime, until: datetime, by_day: bool, zone: tzinfo | None = None
) -> list[tuple[datetime, Figures]]:
    """The figures of every hour, or day, from `since` to `until`, the empty ones too, by when each begins.

    Days and hours are those of `zone`, or of the reader's current time zone.
    """
    zone = zone or timezone.get_current_timezone()
    found: Sums = defaultdict(Figures)
    for table, column in OWN_COLUMN[Scope(scope)].items():
        slots = slots_of(table, column, since, until, [subject]).annotate(day=TruncDate("starts_at", tzinfo=zone))
        ADDERS[table](found, slots, "day" if by_day else "starts_at")
        if table is TellingSlot:
            add_delays(found, slots, "day" if by_day else "starts_at")
    if by_day:
        return [(datetime.combine(day, time.min, zone), found[day]) for day in days_between(since, until, zone)]
    return hours_of(found, since, until, zone)


def hours_of(found: Sums, since: datetime, until: datetime, zone: tzinfo) -> list[tuple[datetime, Figures]]:
    """Half-hours put together, the empty ones too."""
    hours: dict[datetime, Figures] = {}
    start = slot_of(since)
    while start < until:
        hour = start.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        hours[hour] = hours.get(hour, Figures()) + found.get(start, Figures())
        start += SLOT
    return list(hours.items())


def slots_of(
    table: type[models.Model], column: str, since: datetime, until: datetime, subjects: list[int] | None
) -> "QuerySet[Any]":
    rows: QuerySet[Any] = table._default_manager.filter(starts_at__gte=slot_of(since), starts_at__lt=until)
    return rows if subjects is None else rows.filter(**{f"{column}__in": subjects})


def add_traffic(found: Sums, slots: "QuerySet[Any]", by: str) -> None:
    columns = ("clicks", "doubles", "expected", "unreported")
    sums = {f"sum_{name}": Sum(name) for name in columns}
    for row in slots.values(key=F(by)).annotate(sum_sold=Sum(CONVERSIONS), **sums).order_by():
        subject = found[row["key"]]
        subject.conversions += row["sum_sold"]
        for name in columns:
            setattr(subject, name, getattr(subject, name) + row[f"sum_{name}"])


def add_telling(found: Sums, slots: "QuerySet[Any]", by: str) -> None:
    """Two queries: the sums, and the reasons, which the database adds up as well."""
    sums = {f"sum_{name}": Sum(name) for name in COUNTS}
    sums |= {f"with_{name}_sum": Sum(f"with_{name}") for name in IDENTIFIERS}
    sums["fresh"] = Sum("waiting", filter=is_fresh(clock.now()), default=0)
    rows = slots.values(key=F(by)).annotate(**sums).order_by()
    for row in rows:
        subject = found[row["key"]]
        subject.fresh += row["fresh"]
        for name in COUNTS:
            setattr(subject, name, getattr(subject, name) + row[f"sum_{name}"])
        subject.identified.update({name: row[f"with_{name}_sum"] for name in IDENTIFIERS})
    for key, reason, count in expanded(slots, by, "reasons"):
        found[key].reasons[reason] += count


def add_delays(found: Sums, slots: "QuerySet[Any]", by: str) -> None:
    for key, seconds, count in expanded(slots, by, "delays"):
        found[key].delays[int(seconds)] += count


def delay_tables(since: datetime, until: datetime) -> Iterator[tuple[type[models.Model], datetime, datetime]]:
    """What holds the delays with the fewest rows: whole days in UTC by the day, what is left by the half-hour."""
    for is_days, begin, end in parted(slot_of(since), until):
        yield (TellingDay if is_days else TellingSlot), begin, end


def is_fresh(now: datetime) -> Q:
    """Of half-hours that ended less than FRESH_FOR ago, or go on."""
    return Q(starts_at__gt=now - FRESH_FOR - SLOT)


def add_postbacks(found: Sums, slots: "QuerySet[Any]", by: str) -> None:
    for row in slots.values("outcome", key=F(by)).annotate(count=Sum("postbacks")).order_by():
        found[row["key"]].postbacks.update(Counter({row["outcome"]: row["count"]}))


ADDERS: dict[type[models.Model], Any] = {OfferSlot: add_traffic, TellingSlot: add_telling, NetworkSlot: add_postbacks}


def expanded(slots: "QuerySet[Any]", by: str, column: str) -> Iterator[tuple[Any, str, int]]:
    """The counts of a JSON column, added up by key and name, where thousands of half-hours need not be fetched."""
    rows = slots.order_by().values(subject=F(by), counts=F(column))
    inner, parameters = rows.query.sql_with_params()
    each = f"({inner}) slots, {EXPANDED[connection.vendor]} each"
    sql = f"SELECT slots.subject, each.key, SUM(CAST(each.value AS integer)) FROM {each} GROUP BY 1, 2"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        for key, name, count in cursor.fetchall():
            yield READ[by](key) if by in READ else key, name, count


def moment_of(value: datetime | str) -> datetime:
    """A time as the database gives it to those who write their own SQL; SQLite knows text only, in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def day_of(value: date | str) -> date:
    """The same of a day."""
    return date.fromisoformat(value) if isinstance(value, str) else value


READ: dict[str, Callable[[Any], date]] = {"starts_at": moment_of, "day": day_of}
