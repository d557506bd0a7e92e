"""The page of health: every offer, network or pixel on one line, the worst first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from conversions.visitor import clean_text
from dispatch import clock, standing
from dispatch.admin.health_parts import (
    SUBJECTS,
    VIEW,
    Switch,
    figure_badge,
    health_url,
    overview_url,
    period_switches,
    sums_words,
)
from dispatch.admin.scale_decisions import verdict_badge
from dispatch.admin.screens import show
from dispatch.findings.finding import Scope
from dispatch.health.facts import Fact, credential, dead_letters, waiting
from dispatch.health.figures import Figures
from dispatch.health.live import Live, live, tokens
from dispatch.health.periods import Period, period_of
from dispatch.health.reading import figures
from dispatch.health.targets import TARGETS, Target
from dispatch.scaling.deciding import decision_of
from offers.admin_parts import badge, link

ON_A_PAGE = 50
JUDGED = [target for target in TARGETS.values() if target.watch]
SHORT = {
    "acceptance": "Accepted", "match": "Match", "duplicates": "Doubles", "gap": "Gap", "retries": "Retries",
    "delay_p50": "p50", "delay_p95": "p95", "ttclid": "ttclid", "browser": "Browser",
}  # fmt: skip
NOTHING = {
    Scope.OFFER: "There are no offers yet. Add one under Offers, and its health appears here.",
    Scope.NETWORK: "There are no networks yet. Add one under Networks, and its health appears here.",
    Scope.PIXEL: "There are no pixels yet. Add one under Pixels, and its health appears here.",
}
FACT_NAMES = {"waiting": "Waiting", "dead": "Dead", "credential": "Credential"}
NOT_FOUND = "Nothing has this in its name."
Cell = tuple[str, str | SafeString]


@dataclass
class Line:
    """One subject with everything that its line shows."""

    subject: Any
    figures: Figures
    facts: list[Fact]
    lead: list[Cell]
    targets: list[Target]

    @property
    def tones(self) -> list[str]:
        return [target.tone(self.figures) for target in self.targets] + [fact.tone for fact in self.facts]

    @property
    def badness(self) -> tuple[int, int, int, str]:
        """The worst first, then those with most to tell, then by name."""
        count = max(self.figures.conversions, self.figures.due)
        return -self.tones.count("bad"), -self.tones.count("warn"), -count, str(self.subject).casefold()


def health_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """All offers, networks or pixels, by `?scope=`, over `?period=`; `?sort=` names a figure, `?q=` part of a name."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    scope = Scope(request.GET["scope"]) if request.GET.get("scope") in SUBJECTS else Scope.OFFER
    period, term = period_of(request.GET.get("period", "")), clean_text(request.GET.get("q", "").strip(), 100)
    now = clock.now()
    targets = [target for target in JUDGED if scope in target.scopes]
    sort = request.GET.get("sort", "") if request.GET.get("sort") in TARGETS else ""
    found = sorted(lines_of(scope, period, term, targets, now), key=order_of(sort))
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    rows = [cells_of(line, scope, period) for line in page]
    chosen = {"period": period.name, "q": term}
    return show(
        request,
        "health/overview",
        "Health",
        content_title="Health",
        period=period,
        scope=scope,
        term=term,
        page=page,
        tabs=[Switch(f"{each.label}s", overview_url(each, period=period.name), each == scope) for each in SUBJECTS],
        periods=period_switches(period, lambda name: overview_url(scope, **{**chosen, "period": name})),
        headers=headers_of(rows, targets, lambda name: overview_url(scope, **{**chosen, "sort": name})),
        rows=rows,
        empty=NOT_FOUND if term else NOTHING[scope],
        turns=turns_of(page, lambda number: overview_url(scope, **chosen, sort=sort, page=str(number))),
        sums=sums_words(period.since(now), now),
    )


def turns_of(page: "Page[Line]", url: Callable[[int], str]) -> list[tuple[str, str]]:
    """The ways to the page before and the one after, as far as there are any."""
    before = [(url(page.previous_page_number()), "Before")] if page.has_previous() else []
    return before + ([(url(page.next_page_number()), "Next")] if page.has_next() else [])


def lines_of(scope: Scope, period: Period, term: str, targets: list[Target], now: datetime) -> list[Line]:
    """A constant number of queries, however many there are."""
    rows: QuerySet[Any] = SUBJECTS[scope]._default_manager.all()
    rows = standing.watched(rows, now) if scope == Scope.PIXEL else rows
    subjects = list(rows.filter(name__icontains=term) if term else rows)
    sums, stands = figures(scope, period.since(now), now), live(scope, now)
    leads, more = LEADS[scope](subjects, now)
    lines = []
    for subject in subjects:
        key = subject.pk
        now_facts = [
            waiting(scope, key, stands.get(key, Live()), now),
            dead_letters(scope, key, stands.get(key, Live())),
        ]
        lines.append(Line(subject, sums.get(key, Figures()), [*now_facts, *more.get(key, [])], leads[key], targets))
    return lines


def leads_of_offers(subjects: list[Any], now: datetime) -> tuple[dict[int, list[Cell]], dict[int, list[Fact]]]:
    """What stands before the figures of each: whether spend may be raised."""
    decisions = decision_of(offer.pk for offer in subjects)
    badges = {key: verdict_badge(decision.verdict) for key, decision in decisions.items()}
    return {offer.pk: [("Scale", badges.get(offer.pk, "–"))] for offer in subjects}, {}


def leads_of_pixels(subjects: list[Any], now: datetime) -> tuple[dict[int, list[Cell]], dict[int, list[Fact]]]:
    """How sending stands; behind the figures, how old the credential is."""
    found = tokens([pixel.pk for pixel in subjects], now)
    stands = {pixel.pk: standing.of(pixel, now) for pixel in subjects}
    leads: dict[int, list[Cell]] = {key: [("Sending", badge(each.title, each.tone))] for key, each in stands.items()}
    return leads, {pixel.pk: [credential(found.get(pixel.pk), pixel.pk)] for pixel in subjects}


def leads_of_networks(subjects: list[Any], now: datetime) -> tuple[dict[int, list[Cell]], dict[int, list[Fact]]]:
    return {network.pk: [] for network in subjects}, {}


LEADS: dict[Scope, Callable[..., Any]] = {
    Scope.OFFER: leads_of_offers,
    Scope.NETWORK: leads_of_networks,
    Scope.PIXEL: leads_of_pixels,
}


def order_of(name: str) -> Callable[[Line], Any]:
    """By the figure of that name, the worst first and those without one last; else by all of them together."""
    target = TARGETS.get(name)
    if target is None or target.watch is None:
        return lambda line: line.badness

    def key(line: Line) -> Any:
        value = target.read(line.figures)
        less_is_worse = target.watch is not None and target.watch.off == "below"
        return value is None, 0 if value is None else value if less_is_worse else -value, line.badness

    return key


def headers_of(
    rows: list[list[Cell]], targets: list[Target], sorted_by: Callable[[str], str]
) -> list[tuple[str, str, str]]:
    """Each with what it explains on hovering, and where a click on it leads: of the figures, which stand last."""
    figures = {SHORT[each.name]: (f"{each.label}. {each.counts}", sorted_by(each.name)) for each in targets}
    return [(name, *figures.get(name, ("", ""))) for row in rows[:1] for name, _ in row]


def cells_of(line: Line, scope: Scope, period: Period) -> list[Cell]:
    subject = line.subject
    count = line.figures.due if scope == Scope.PIXEL else line.figures.conversions
    name = link(health_url(scope, subject.pk, period.name), subject.name)
    return [
        (scope.label, name),
        *line.lead,
        *((FACT_NAMES[fact.name], fact_cell(fact)) for fact in line.facts),
        ("Due" if scope == Scope.PIXEL else "Conversions", f"{count:,}"),
        *((SHORT[target.name], figure_badge(target, line.figures, is_short=True)) for target in line.targets),
    ]


def fact_cell(fact: Fact) -> str | SafeString:
    """A dash for what is as it should be and says nothing more."""
    return "–" if fact.is_empty else badge(fact.shown, fact.tone)
