"""The page of health of one offer, network or pixel: every number, what it counts, how it moves, where to look."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.safestring import SafeString

from conversions.admin.coverage import coverage_url
from dispatch import clock, standing
from dispatch.admin.charts import bars, drawn, line
from dispatch.admin.health_parts import (
    SUBJECTS,
    VIEW,
    charted,
    figure_badge,
    health_url,
    moment_labels,
    overview_url,
    period_switches,
    sums_words,
)
from dispatch.admin.scale_decisions import MAY_VIEW, history_url, verdict_badge
from dispatch.admin.screens import show
from dispatch.findings.finding import Scope
from dispatch.health.facts import DEAD_LETTER, Fact, credential, facts_of, list_url
from dispatch.health.figures import Figures
from dispatch.health.live import Live, live, tokens
from dispatch.health.periods import Period, period_of
from dispatch.health.reading import figures, series
from dispatch.health.rows import PARTS, VIEWS, Part, postback_part
from dispatch.health.targets import LEAST, Target, targets_of
from dispatch.reasons import Reason
from dispatch.scaling.deciding import decision_of
from dispatch.wording import at
from offers.admin_parts import badge, link, table
from offers.models import Pixel

VOLUME = {False: "Conversions recorded", True: "Deliveries that were to be sent"}
TOO_FEW = f"Fewer than {LEAST} say nothing, so it is not judged."
BUCKETS = {True: "By day, as the days are in {zone}.", False: "By hour, as the clock is in {zone}."}
UNTOLD = ("Reason", "Deliveries", "What to do")
TICKS = 12
Series = list[tuple[datetime, Figures]]


@dataclass(frozen=True)
class View:
    """What is looked at, by whom, and over which time."""

    request: HttpRequest
    scope: Scope
    subject: Any
    period: Period
    now: datetime

    @property
    def since(self) -> datetime:
        return self.period.since(self.now)

    def may(self, permission: str) -> bool:
        return bool(self.request.user.has_perm(permission))

    def rows(self, part: Part, sums: Figures) -> str | SafeString:
        """“12 accepted”, leading to these rows for those who may see them."""
        count = part.count(sums)
        words = f"{count:,} {part.label}"
        url = part.url(self.scope, self.subject.pk, self.since, self.now)
        return link(url, words) if count and url and self.may(VIEWS[part.table]) else words


def subject_page(request: HttpRequest, model_admin: Any, scope: str, key: int) -> HttpResponse:
    """The figures of `key` over `?period=`, in a constant number of queries. Raises Http404 for what does not exist."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    if scope not in SUBJECTS:
        raise Http404
    now = clock.now()
    subject = get_object_or_404(rows_of(Scope(scope), now), pk=key)
    view = View(request, Scope(scope), subject, period_of(request.GET.get("period", "")), now)
    sums = figures(view.scope, view.since, now, [key])[key]
    moves = series(view.scope, key, view.since, now, view.period.is_by_day)
    labels = moment_labels([start for start, _ in moves], view.period)
    return show(
        request,
        "health/subject",
        f"Health of {subject.name}",
        content_title=f"Health of {subject.name}",
        **head_of(view),
        facts=[fact_line(fact, view) for fact in facts_now(view)],
        sums=sums_words(view.since, now),
        empty=empty_words(view, sums),
        cards=[card_of(target, sums, moves, labels, view) for target in targets_of(view.scope)],
        volume=volume_of(view, moves, labels),
        volume_label=VOLUME[view.scope == Scope.PIXEL],
        buckets=BUCKETS[view.period.is_by_day].format(zone=moves[0][0].tzname()),
        untold=untold_table(sums),
        postbacks=postback_lines(view, sums),
    )


def rows_of(scope: Scope, now: datetime) -> QuerySet[Any]:
    rows: QuerySet[Any] = SUBJECTS[scope]._default_manager.all()
    if scope == Scope.PIXEL:
        return standing.watched(rows, now)
    return rows.select_related("network", "pixel") if scope == Scope.OFFER else rows


def head_of(view: View) -> dict[str, Any]:
    """Who it is, where else there is something about it, and how it stands as a whole."""
    meta = view.subject._meta
    own = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[view.subject.pk])
    links = [("offers.view_" + view.scope, own, f"The {view.scope.label.lower()}'s page")]
    if view.scope == Scope.OFFER:
        links.append(("conversions.view_conversion", coverage_url(view.subject.pk), "Identifier coverage by event"))
        links.append((VIEW, health_url(Scope.NETWORK, view.subject.network_id, view.period.name), "Its network"))
        links.append((VIEW, health_url(Scope.PIXEL, view.subject.pixel_id, view.period.name), "Its pixel"))
    return {
        "period": view.period,
        "periods": period_switches(view.period, lambda name: health_url(view.scope, view.subject.pk, name)),
        "back": overview_url(view.scope, period=view.period.name),
        "links": [(url, text) for permission, url, text in links if url and view.may(permission)],
        "decision": decision_words(view) if view.scope == Scope.OFFER else None,
    }


def decision_words(view: View) -> dict[str, Any] | None:
    """Whether spend may be raised, and why; None before it was decided."""
    decision = decision_of([view.subject.pk]).get(view.subject.pk)
    if decision is None:
        return None
    return {
        "badge": verdict_badge(decision.verdict),
        "since": at(decision.decided_at, view.now),
        "reasons": decision.reasons,
        "history": history_url(view.subject) if view.may(MAY_VIEW) else "",
    }


def facts_now(view: View) -> Iterator[Fact]:
    """What is so at this moment; for an offer its pixel's sending and credential belong to it."""
    yield from facts_of(view.scope, view.subject.pk, live(view.scope, view.now).get(view.subject.pk, Live()), view.now)
    if view.scope == Scope.NETWORK:
        return
    pixel = view.subject if view.scope == Scope.PIXEL else watched_pixel(view.subject.pixel_id, view.now)
    stands = standing.of(pixel, view.now)
    own = reverse("admin:offers_pixel_change", args=[pixel.pk])
    look = "The pixel's page has the steps that make sense now."
    yield Fact("sending", "Sending", stands.title, stands.tone, "", stands.words, look, own, "offers.view_pixel")
    yield credential(tokens([pixel.pk], view.now).get(pixel.pk), pixel.pk)


def watched_pixel(key: int, now: datetime) -> Any:
    return standing.watched(Pixel.objects.all(), now).get(pk=key)


def fact_line(fact: Fact, view: View) -> dict[str, Any]:
    shown = badge(fact.shown, fact.tone)
    return {"fact": fact, "badge": shown, "url": fact.url if view.may(fact.permission) else ""}


def empty_words(view: View, sums: Figures) -> str:
    """Why there is nothing to judge; empty when there is something."""
    if sums.conversions or sums.due or sums.postbacks:
        return ""
    what = "Nothing was to be sent" if view.scope == Scope.PIXEL else "No conversions were recorded"
    visits = f" There were {sums.clicks:,} clicks." if sums.clicks else ""
    return f"{what} in these {view.period.words}, so there is nothing to judge.{visits}"


def card_of(target: Target, sums: Figures, moves: Series, labels: list[str], view: View) -> dict[str, Any]:
    """One figure with everything that is said of it."""
    tone, cases = target.tone(sums), target.cases(sums)
    values = [charted(target, each) for _, each in moves]
    moved = line(target.label, values, "%" if target.unit == "share" else "s")
    place = place_of(target, view)
    return {
        "target": target,
        "badge": figure_badge(target, sums),
        "is_off": tone in ("warn", "bad"),
        "too_few": TOO_FEW if target.watch and 0 < cases < LEAST else "",
        "rows": [view.rows(part, sums) for part in target.parts],
        "look_url": place[0] if place else "",
        "look_text": place[1] if place else "",
        "chart": drawn(labels, moved, ticks=TICKS) if any(value is not None for value in values) else "",
    }


def place_of(target: Target, view: View) -> tuple[str, str] | None:
    """Where to look first: the address and what its link says; None for those who may not see it, or without one."""
    found = PLACES[target.look_at](view)
    return found[1:] if found and view.may(found[0]) else None


def at_part(name: str, text: str) -> Any:
    """The rows of one part of the figures."""

    def place(view: View) -> tuple[str, str, str]:
        part = PARTS[name]
        return VIEWS[part.table], part.url(view.scope, view.subject.pk, view.since, view.now), text

    return place


def at_dead_letters(view: View) -> tuple[str, str, str]:
    return "dispatch.view_delivery", list_url(DEAD_LETTER, view.scope, view.subject.pk), "Dead letters"


def at_coverage(view: View) -> tuple[str, str, str]:
    key = view.subject.pk if view.scope == Scope.OFFER else ""
    return "conversions.view_conversion", coverage_url(key), "Coverage by event"


def at_pixel(view: View) -> tuple[str, str, str] | None:
    if view.scope == Scope.NETWORK:
        return "offers.view_pixel", reverse("admin:offers_pixel_changelist"), "Pixels"
    key = view.subject.pk if view.scope == Scope.PIXEL else view.subject.pixel_id
    return "offers.view_pixel", reverse("admin:offers_pixel_change", args=[key]), "The pixel's page"


def at_postbacks(view: View) -> tuple[str, str, str] | None:
    key = view.subject.pk if view.scope == Scope.NETWORK else view.subject.network_id
    url = reverse("admin:conversions_postback_changelist", query={"network__id__exact": key})
    return "conversions.view_postback", url, "The network's postbacks"


PLACES = {
    "dead_letters": at_dead_letters,
    "coverage": at_coverage,
    "pixel": at_pixel,
    "postbacks": at_postbacks,
    "doubles": at_part("doubles", "Sales told again"),
    "retried": at_part("retried", "Tried more than once"),
}


def volume_of(view: View, moves: Series, labels: list[str]) -> str:
    """How much there was, over time."""
    is_pixel = view.scope == Scope.PIXEL
    counts = [each.due if is_pixel else each.conversions for _, each in moves]
    return drawn(labels, bars(VOLUME[is_pixel], counts, "primary-500"), ticks=TICKS) if any(counts) else ""


def untold_table(sums: Figures) -> str:
    """What TikTok was not told, by reason; empty when there is nothing."""
    untold = [(Reason(name), count) for name, count in sums.reasons.most_common() if name in Reason]
    rows = [(reason.label, f"{count:,}", reason.advice) for reason, count in untold]
    return table(UNTOLD, rows, "") if rows else ""


def postback_lines(view: View, sums: Figures) -> list[str | SafeString]:
    """What the network's postbacks led to."""
    return [view.rows(postback_part(outcome), sums) for outcome, _ in sums.postbacks.most_common()]
