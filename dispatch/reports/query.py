"""A question answered from the sums, in two queries however much there is."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F

from dispatch.reports.asking import LONGEST_IN_SLOTS, Question, has_utc_days
from dispatch.reports.dimensions import DIMENSIONS
from dispatch.reports.figures import COUNTS, MONEY, Sums, rest, total
from dispatch.reports.statement import Span, Wanted, added_up, spans, time_key, wanted
from dispatch.reports.zones import hours_shifts

SHOWN = 200
EXPORTED = 20_000
HOURLY_DAYS = 2
Key = tuple[Any, ...]
CENT = Decimal("0.01")


@dataclass
class Line:
    """One line of the table: its keys in the question's order, its sums, and those of the days before."""

    key: Key
    sums: Sums
    before: Sums | None = None


@dataclass
class Answer:
    """What the sums say. `others` is all that the lines leave of `whole`; None where they leave nothing.

    `timeline` has the sums of each hour or day (`unit`) of the period; `starts` says which days those are: the
    reader's, or UTC's where the reader's would cost too much.
    """

    lines: list[Line]
    whole: Line
    others: Line | None
    unit: str
    timeline: list[tuple[Any, Sums]]
    starts: ZoneInfo
    currencies: list[str] = field(default_factory=list)


def answer(question: Question, now: datetime, most: int = SHOWN) -> Answer:
    """All lines of a question by time, else the `most` with the most clicks and the rest as one."""
    unit, zone = unit_of(question)
    (timeline, earlier), lines = ask(question, now, unit, zone, most)
    whole = Line((), total(timeline.values()), total(earlier.values()) if question.before else None)
    if is_timeline(question, unit, zone):
        lines = lines_by_time(question, unit, timeline, earlier)
    currencies = currencies_of([whole.sums, *([whole.before] if whole.before else [])])
    in_order = sorted(timeline.items())
    return Answer(lines, whole, others_of(question, whole, lines), unit, in_order, zone, currencies)


def is_timeline(question: Question, unit: str, zone: ZoneInfo) -> bool:
    """Whether the lines are those of the timeline."""
    return question.by == (unit,) and zone == question.zone


def unit_of(question: Question) -> tuple[str, ZoneInfo]:
    """Whether the timeline goes by the hour or the day, and by whose days.

    A filter by source over many days that begin at another hour than UTC's would read all their half-hours.
    """
    if question.by == ("hour",) or (question.period.days <= HOURLY_DAYS and question.by != ("day",)):
        return "hour", question.zone
    is_costly = question.filters_sources and question.period.days > LONGEST_IN_SLOTS and "day" not in question.by
    return "day", ZoneInfo("UTC") if is_costly and not has_utc_days(question.period) else question.zone


def spans_of(question: Question, now: datetime, needs_sources: bool, needs_slots: bool, before: bool) -> list[Span]:
    period = question.period
    found = list(spans(period.since, period.until, needs_sources, needs_slots))
    if before:
        earlier = spans(period.before().since, period.ends_before(now), needs_sources, needs_slots)
        found += [Span(span.model, span.since, span.until, True) for span in earlier]
    return found


def begin_of(found: Sequence[Span]) -> datetime:
    return min(span.since for span in found)


def slots_needed(key: str, zone: ZoneInfo, question: Question) -> bool:
    """Whether whole days of UTC can't tell this time apart."""
    is_utc = zone.key == "UTC" or has_utc_days(question.period)
    return key == "hour" or (key == "day" and not is_utc)


Times = dict[Any, Sums]


def ask(
    question: Question, now: datetime, unit: str, zone: ZoneInfo, most: int
) -> tuple[tuple[Times, Times], list[Line]]:
    """Timeline and lines, from one reading of the tables where both can be had from the same ones."""
    time_spans = spans_of(question, now, question.filters_sources, slots_needed(unit, zone, question), question.before)
    begin, until, where = begin_of(time_spans), question.period.until, wanted(question.filters)
    moment = time_key(unit, begin, until, zone)
    read = reader(unit, begin, until, zone)
    if is_timeline(question, unit, zone):
        return timeline_of(added_up(time_spans, where, Wanted(moment))[0], read), []
    line_spans = spans_of_lines(question, now)
    asked = wanted_lines(question, begin_of(line_spans), most)
    readers = [reader(key, begin_of(line_spans), until, question.zone) for key in question.by]
    if set(line_spans) <= set(time_spans):
        times, rows = added_up(time_spans, where, replace(asked, moment=moment))
    else:
        times, _ = added_up(time_spans, where, Wanted(moment))
        _, rows = added_up(line_spans, where, asked)
    return timeline_of(times, read), lines_of(rows, readers, question)


def timeline_of(rows: Iterable[Any], read: Callable[[Any], Any]) -> tuple[Times, Times]:
    """The sums of each hour or day that had any, of the period and of the days before."""
    sides: tuple[Times, Times] = (defaultdict(Sums), defaultdict(Sums))
    for is_before, currency, moment, *figures in rows:
        add_to(sides[is_before][read(moment)], currency, figures)
    return sides


def spans_of_lines(question: Question, now: datetime) -> list[Span]:
    """Lines of a time and of something else are compared with nothing."""
    needs_slots = any(slots_needed(key, question.zone, question) for key in question.by)
    return spans_of(question, now, question.needs_sources, needs_slots, has_before(question))


def has_before(question: Question) -> bool:
    return question.before and not question.has_time


def wanted_lines(question: Question, begin: datetime, most: int) -> Wanted:
    keys = [expression(key, begin, question.period.until, question.zone) for key in question.by]
    named = f"k{question.by.index('event')} <> ''" if "event" in question.by else ""
    return Wanted(None, keys, None if question.is_by_time else most, named, has_before(question))


def lines_of(rows: Iterable[Any], readers: Sequence[Callable[[Any], Any]], question: Question) -> list[Line]:
    """A line for each key, those with the most clicks first; by event, clicks are of no line."""
    has_clicks, lines = "event" not in question.by, {}
    for is_before, currency, *rest_of_row in rows:
        key = tuple(read(value) for read, value in zip(readers, rest_of_row, strict=False))
        if key not in lines:
            before = Sums(has_clicks=has_clicks) if has_before(question) else None
            lines[key] = Line(key, Sums(has_clicks=has_clicks), before)
        side = lines[key].before if is_before else lines[key].sums
        if side is not None:
            add_to(side, currency, rest_of_row[len(readers) :])
    return sorted(lines.values(), key=lambda line: (-line.sums.clicks, -line.sums.conversions))


def expression(key: str, begin: datetime, until: datetime, zone: ZoneInfo) -> Any:
    field = DIMENSIONS[key].field
    return F(field) if field else time_key(key, begin, until, zone)


def add_to(sums: Sums, currency: str, figures: Sequence[Any]) -> None:
    """The counts, then payout and pending payout in one currency."""
    for name, value in zip(COUNTS, figures, strict=False):
        setattr(sums, name, getattr(sums, name) + int(value))
    for name, value in zip(MONEY, figures[len(COUNTS) :], strict=True):
        amount = in_cents(value)
        if amount:
            getattr(sums, name)[currency] += amount


def in_cents(value: Any) -> Decimal:
    """A sum as it was kept, to the cent: SQLite adds decimals up as binary fractions."""
    return value if isinstance(value, Decimal) else Decimal(str(value or 0)).quantize(CENT)


def reader(key: str, begin: datetime, until: datetime, zone: ZoneInfo) -> Callable[[Any], Any]:
    """What a key's value from the database means in Python."""
    if key == "day":
        return lambda value: date.fromisoformat(value) if isinstance(value, str) else value
    if key == "hour":
        shifts = [shift for _, shift in hours_shifts(begin, until, zone)]
        return lambda value: hour_in(value, shifts, zone)
    return lambda value: value


def hour_in(value: Any, shifts: Sequence[timedelta], zone: ZoneInfo) -> datetime:
    """When an hour of the zone begins, in UTC, where no hour comes twice.

    Of two shifts it is the one by which the hour does begin on the hour there.
    """
    moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    starts = [moment.replace(tzinfo=UTC) - shift for shift in shifts]
    return next((start for start in starts if not start.astimezone(zone).minute), starts[0])


def lines_by_time(question: Question, unit: str, timeline: Times, earlier: Times) -> list[Line]:
    """A line for each hour or day with anything in it, beside the same one of the days before."""
    length = timedelta(days=question.period.days)

    def on_the_wall(moment: Any) -> Any:
        return moment if unit == "day" else moment.astimezone(question.zone).replace(tzinfo=None, fold=0)

    before: Times = defaultdict(Sums)
    for moment, sums in earlier.items():
        before[on_the_wall(moment) + length].add(sums)
    return [
        Line((moment,), sums, before[on_the_wall(moment)] if question.before else None)
        for moment, sums in sorted(timeline.items())
    ]


def others_of(question: Question, whole: Line, lines: Iterable[Line]) -> Line | None:
    """The rest of the whole. By event, clicks are of no line, so that they are no rest either."""
    found = list(lines)
    left = rest(whole.sums, [line.sums for line in found])
    has_before = whole.before is not None and all(line.before for line in found)
    before = rest(whole.before, [line.before for line in found if line.before]) if has_before and whole.before else None
    for sums in filter(None, (left, before)):
        if "event" in question.by:
            sums.clicks, sums.robots, sums.has_clicks = 0, 0, False
    is_something = any(getattr(left, name) for name in COUNTS)
    return Line((), left, before) if is_something else None


def currencies_of(lines: Iterable[Sums]) -> list[str]:
    """The currencies in which there is any money."""
    return sorted({currency for sums in lines for name in MONEY for currency in getattr(sums, name)})
