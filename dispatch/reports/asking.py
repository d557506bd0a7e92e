"""A question to the sums, read from what somebody put into an address; bad input is told field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dispatch.reports.columns import BY_KEY
from dispatch.reports.dimensions import DIMENSIONS, FILTERS, NARROW, NUMBERED
from dispatch.reports.periods import DAY, PRESETS, Period, preset
from dispatch.reports.zones import is_readable, start_of
from offers.vocabulary import CURRENCIES

DEFAULT = {"period": "7", "by": "offer", "zone": "UTC", "currency": "USD"}
SORTS = ("key", *BY_KEY)
TIMES = ("day", "hour")
LONGEST = 366
LONGEST_OF_SOURCES = 92
LONGEST_BY_HOUR = 31
LONGEST_IN_SLOTS = 7
LONGEST_TEXT = 100
FIRST_DAY = date(2016, 1, 1)
Params = Mapping[str, str]


class UnreadableReportError(ValueError):
    """What was asked makes no report; `errors` says why and what to do, by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True)
class Question:
    """What a report is to say, complete and possible. `before` asks for the days before beside it."""

    period: Period
    preset: str = "7"
    by: tuple[str, ...] = ("offer",)
    filters: Mapping[str, str] = field(default_factory=dict)
    currency: str = "USD"
    before: bool = True
    robots: bool = False
    sort: str = "-clicks"

    @property
    def zone(self) -> ZoneInfo:
        return self.period.zone

    @property
    def is_by_time(self) -> bool:
        """Whether its lines are times and nothing else."""
        return len(self.by) == 1 and DIMENSIONS[self.by[0]].is_time

    @property
    def has_time(self) -> bool:
        return any(DIMENSIONS[key].is_time for key in self.by)

    @property
    def filters_sources(self) -> bool:
        return any(FILTERS[key].is_of_source for key in self.filters)

    @property
    def needs_sources(self) -> bool:
        return self.filters_sources or any(DIMENSIONS[key].is_of_source for key in self.by)

    @property
    def params(self) -> dict[str, str]:
        """The address that asks the same again."""
        period = self.period
        dates = {"since": str(period.first), "until": str(period.last)} if self.preset == "own" else {}
        by = dict(zip(("by", "then"), self.by, strict=False))
        shown = {"zone": period.zone.key, "currency": self.currency, "compare": "1" if self.before else "0"}
        robots = {"robots": "1"} if self.robots else {}
        return {"period": self.preset, **dates, **by, **self.filters, **shown, **robots, "sort": self.sort}

    def query(self, **changes: Any) -> str:
        """The address with something changed; what is None is left out."""
        return urlencode({key: value for key, value in {**self.params, **changes}.items() if value is not None})

    def about(self, key: str, value: str) -> str:
        """The address that looks into one line: filtered by it, grouped by what comes next."""
        following = {"by": DIMENSIONS[key].then, "then": None, "sort": None}
        if key == "day":
            return self.query(period="own", since=value, until=value, **following)
        return self.query(**{key: value, **following})

    def on(self, period: Period) -> "Question":
        return replace(self, period=period)


def read(params: Params, now: datetime, usual: Params | None = None) -> Question:
    """The question in the parameters; `usual` is what the reader prefers where they say nothing.

    Raises UnreadableReportError.
    """
    given = {key: str(value).strip() for key, value in params.items()}
    said = {**DEFAULT, **(usual or {}), **{key: value for key, value in given.items() if value}}
    errors: dict[str, str] = {}
    zone = read_zone(said["zone"], errors)
    period = read_period(said, now, zone, errors)
    question = Question(
        period=period or preset("7", now, zone),
        preset=said["period"],
        by=read_grouping(said, errors),
        filters=read_filters(said, errors),
        currency=one_of("currency", said["currency"].upper(), CURRENCIES, errors),
        before=said.get("compare", "1") != "0",
        robots=said.get("robots", "0") != "0",
        sort=read_sort(said, errors),
    )
    errors.update({} if errors else too_much(question))
    if errors:
        raise UnreadableReportError(errors)
    return question


def read_zone(name: str, errors: dict[str, str]) -> ZoneInfo:
    if is_readable(name):
        return ZoneInfo(name)
    errors["zone"] = f"“{short(name)}” is no time zone of this list: choose one such as UTC or Europe/Berlin."
    return ZoneInfo("UTC")


def read_period(said: Params, now: datetime, zone: ZoneInfo, errors: dict[str, str]) -> Period | None:
    name = "own" if "since" in said and said["period"] == DEFAULT["period"] and "until" in said else said["period"]
    if name not in PRESETS:
        errors["period"] = f"“{short(name)}” is no period: choose one of {', '.join(PRESETS)}."
        return None
    if name != "own":
        return preset(name, now, zone)
    first, last = (read_day(side, said.get(side, ""), errors) for side in ("since", "until"))
    if not first or not last:
        return None
    if last < first:
        errors["until"] = "The last day lies before the first one. Exchange them."
        return None
    return Period(first, last, zone)


def read_day(side: str, text: str, errors: dict[str, str]) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        errors[side] = f"“{short(text)}” is no day: write it as 2026-01-31." if text else "Enter this day, too."
        return None
    if not FIRST_DAY <= day <= date(9000, 1, 1):
        errors[side] = f"Choose a day from {FIRST_DAY} on; nothing is recorded before."
        return None
    return day


def read_grouping(said: Params, errors: dict[str, str]) -> tuple[str, ...]:
    first = one_of("by", said["by"], DIMENSIONS, errors)
    second = one_of("then", said["then"], DIMENSIONS, errors) if said.get("then") else ""
    return (first, second) if second and second != first else (first,)


def read_filters(said: Params, errors: dict[str, str]) -> dict[str, str]:
    filters = {key: said[key] for key in FILTERS if said.get(key)}
    for key, value in filters.items():
        if len(value) > LONGEST_TEXT or "\x00" in value:
            errors[key] = f"No {FILTERS[key].label.lower()} has more than {LONGEST_TEXT} letters, or a NUL in it."
        elif key in NUMBERED and not (value.isascii() and value.isdigit() and len(value) < 19):
            errors[key] = f"Choose the {key} from the list; in an address it stands by its number."
    return {key: value.upper() if key == "country" and len(value) == 2 else value for key, value in filters.items()}


def one_of(name: str, value: str, known: Any, errors: dict[str, str]) -> str:
    if value not in known:
        errors[name] = f"“{short(value)}” is not known here: choose one of {', '.join(sorted(known))}."
    return value


def read_sort(said: Params, errors: dict[str, str]) -> str:
    """The order; without one, times come as they passed and all else by its clicks."""
    text = said.get("sort") or ("key" if said["by"] in TIMES else "-clicks")
    one_of("sort", text.removeprefix("-"), SORTS, errors)
    return text


def short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def too_much(question: Question) -> dict[str, str]:
    """Why a question would take too long, and what to ask instead; empty when it would not."""
    days, most = question.period.days, longest(question)
    if days <= most:
        return {}
    if most == LONGEST:
        return {"period": f"A report covers {LONGEST} days at most, and these are {days}. Choose a shorter period."}
    others = {
        LONGEST_OF_SOURCES: "for reports that tell campaigns, ads, creatives, landing versions, variants or countries "
        "apart. Choose a shorter period, or group by offer, network or event without such a filter.",
        LONGEST_BY_HOUR: "at this detail. Choose a shorter period, or group by day in UTC.",
        LONGEST_IN_SLOTS: "where sources are told apart by the hour, or by days that begin at another hour than UTC's. "
        "Choose a shorter period, filter by offer, campaign, ad or creative (31 days), or group by day in UTC.",
    }
    return {"period": f"These are {days} days, and {most} is the most {others[most]}"}


def longest(question: Question) -> int:
    """The most days that are read in a moment, whatever the size of the tables."""
    needs_slots = "hour" in question.by or ("day" in question.by and not has_utc_days(question.period))
    if question.needs_sources and needs_slots:
        return LONGEST_BY_HOUR if NARROW & question.filters.keys() else LONGEST_IN_SLOTS
    if "hour" in question.by:
        return LONGEST_BY_HOUR
    return LONGEST_OF_SOURCES if question.needs_sources else LONGEST


def has_utc_days(period: Period) -> bool:
    """Whether all days of the period, and those before, begin with those of UTC."""
    first = period.before().first
    starts = (start_of(first + place * DAY, period.zone) for place in range(2 * period.days + 1))
    return all(start.hour == start.minute == 0 for start in starts)
