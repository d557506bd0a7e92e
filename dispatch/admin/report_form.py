"""The form above a report, and what a reader has chosen once and need not choose again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from dispatch import clock
from dispatch.reports.asking import Question, UnreadableReportError, read
from dispatch.reports.currencies import currency_choices
from dispatch.reports.dimensions import DIMENSIONS, FILTERS, GIVEN_NOT
from dispatch.reports.names import Names
from dispatch.reports.periods import PRESETS
from dispatch.reports.zones import is_readable, zone_choices
from offers.models import EventRule
from offers.vocabulary import CURRENCIES

COOKIES = {"zone": "report_zone", "currency": "report_currency"}
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Entry:
    """One field of the form; with choices it is a list, else a text."""

    name: str
    label: str
    value: str
    choices: list[tuple[str, str]] | None = None
    kind: str = "text"
    error: str = ""


@dataclass(frozen=True)
class ReportForm:
    first: list[Entry]
    filters: list[Entry]
    reader: list[Entry]
    is_filtered: bool
    compare: bool
    robots: bool


def usual(request: HttpRequest) -> dict[str, str]:
    """The reader's time zone and currency as they were chosen last in this browser, else the site's."""
    zone, currency = (request.COOKIES.get(name, "") for name in COOKIES.values())
    return {
        "zone": zone if is_readable(zone) else settings.TIME_ZONE,
        "currency": currency if currency in CURRENCIES else "USD",
    }


def question_of(params: Mapping[str, str], request: HttpRequest) -> tuple[Question, dict[str, str]]:
    """What the parameters ask for; else what this reader usually asks for, and what is wrong with them, by field."""
    now = clock.now()
    try:
        return read(params, now, usual(request)), {}
    except UnreadableReportError as error:
        return read({}, now, usual(request)), error.errors


def remember(request: HttpRequest, response: HttpResponse, question: Question) -> None:
    """Keep time zone and currency for this reader, a year long; they are no secret and name nobody."""
    for name, value in (("zone", question.zone.key), ("currency", question.currency)):
        if name in request.GET and request.COOKIES.get(COOKIES[name]) != value:
            response.set_cookie(
                COOKIES[name], value, YEAR, path="/admin/", secure=settings.IS_HTTPS, httponly=True, samesite="Lax"
            )


def form_of(question: Question, named: Names, given: Mapping[str, str], errors: Mapping[str, str]) -> ReportForm:
    """Filled in with what was asked; where that was wrong, with what was typed."""
    said = {**question.params, **{key: value for key, value in given.items() if errors}}

    def entry(name: str, label: str, choices: list[tuple[str, str]] | None = None, kind: str = "text") -> Entry:
        return Entry(name, label, said.get(name, ""), choices, kind, errors.get(name, ""))

    groups = [(key, dimension.label) for key, dimension in DIMENSIONS.items()]
    return ReportForm(
        first=[
            entry("period", "Period", list(PRESETS.items())),
            entry("since", "From", kind="date"),
            entry("until", "To", kind="date"),
            entry("by", "Group by", groups),
            entry("then", "Then by", [("", "–"), *groups]),
        ],
        filters=[
            entry("offer", "Offer", every(named.offers)),
            entry("network", "Network", every(named.networks)),
            entry("event", "Event", [("", "All"), *((name, name) for name in event_names(said.get("event", "")))]),
            *(entry(key, dimension.label) for key, dimension in FILTERS.items() if dimension.is_of_source),
        ],
        reader=[
            entry("zone", "Time zone", zone_choices()),
            entry("currency", "Currency", currency_choices()),
        ],
        is_filtered=bool(FILTERS.keys() & {key for key, value in said.items() if value}),
        compare=question.before,
        robots=question.robots,
    )


def every(named: Mapping[int, str]) -> list[tuple[str, str]]:
    return [("", "All"), *((str(key), name) for key, name in named.items())]


def event_names(chosen: str) -> Iterable[str]:
    """The names that rules send: a handful of rows. What no rule sends any more can still be asked for."""
    found = EventRule.objects.order_by("event_name").values_list("event_name", flat=True).distinct()
    return sorted({*found, *([chosen] if chosen and chosen != GIVEN_NOT else [])})
