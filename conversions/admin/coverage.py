"""The page of identifier coverage and match ratio: figures of one offer, each with what to do about it."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from conversions import clock
from conversions.admin.inbox import number_of
from conversions.admin.screens import show
from conversions.coverage import (
    NEWEST,
    UNTOLD,
    WEIGHTS,
    Arrivals,
    Coverage,
    EventCoverage,
    Matched,
    arrivals_of,
    coverage_of,
)
from conversions.models import Conversion
from conversions.models.click import Robot
from offers.admin_parts import badge, table
from offers.models import Offer

VIEW = "conversions.view_conversion"
LABELS = {
    "ttclid": "ttclid",
    "email": "E-mail",
    "phone": "Phone",
    "ttp": "_ttp",
    "browser": "IP + browser",
    "external_id": "External id",
}
UNTOLD_WORDS = {
    "robot": "of robots",
    "erased": "of people who were erased",
    "refused": "of visitors who refused",
    "unasked": "of visitors who have not agreed so far",
}
ANSWERS = {
    "granted": ("Granted", "good", "Both legs tell TikTok of them."),
    "denied": ("Denied", "warn", "TikTok is told nothing of them."),
    "withdrawn": ("Withdrawn", "warn", "They agreed at first. TikTok is told nothing of them any more."),
    "unasked": (
        "Not answered, had to agree", "warn",
        "TikTok is told nothing of them so far. If there are many, check that the banner appears and that its buttons "
        "tell the answer.",
    ),
    "free": ("Not answered, need not agree", "calm", "The policy does not ask them, so TikTok is told of them."),
}  # fmt: skip
ADVICE = {
    "ttclid": "Use the link for the TikTok ad, from the offer's page, as the ad's URL: it brings each click's ttclid.",
    "ttp": "Put the script, or the tags, on the landing page: _ttp is a cookie that the Pixel sets.",
    "browser": "Enter the addresses of your proxies in TRUSTED_PROXIES: a visitor's address that is missing or private "
    "is left out, and so is one that is older than the retention period.",
    "email": "Pass the buyer's e-mail address in the postback URL (parameter “{}”), or call identify on the page "
    "where the visitor types it in.",
    "phone": "Pass the buyer's phone number in the postback URL (parameter “{}”), or call identify on the page where "
    "the visitor types it in.",
    "external_id": "",
}
APPROVE = "Tick “{}” on the offer's page, if your privacy policy covers it."
APPROVALS = {
    "email": "Send hashed e-mail",
    "phone": "Send hashed phone number",
    "external_id": "Send hashed external id",
}
NO_PIXEL = "This offer uses the Events API only. _ttp is a cookie of the Pixel: with “Pixel + Events API” there is one."
COMPLETE = "Hardly anything is missing."
NOTHING_YET = "It has not happened in the last 7 days."
WELL, FAIR = 0.8, 0.5
MATCHED_HEADERS = ["Event", "Ratio", "Both legs", "Pixel fired", "Blocked", "Not heard of", "What to look at"]
NONE_MATCHED = (
    "No event of a page goes over both legs. Events that only a postback tells appear once a page calls them, a "
    "thank-you page for instance."
)
ANSWER_HEADERS = ["Answer", "Share", "Clicks", "What it means"]
NOBODY_CAME = "No visitor came in the last 7 days."
BAR = (
    '<span class="share"><span class="share-text">{0}&nbsp;%</span>'
    '<span class="share-frame"><span class="share-bar" style="width: {0}%"></span></span></span>'
)


def coverage_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """The figures of the offer in `?offer=`, else of the one with the newest conversion."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    offer = chosen_offer(request.GET.get("offer", ""))
    return show(
        request,
        "coverage",
        "Identifier coverage and match ratio",
        model_admin,
        offers=Offer.objects.order_by("name").only("pk", "name"),
        offer=offer,
        may_view_offer=request.user.has_perm("offers.view_offer"),
        **(figures_of(offer) if offer else {}),
    )


def chosen_offer(given: str) -> Offer | None:
    """The offer that was asked for, else one that has something to show; None where there are no offers.

    Raises Http404 for one that does not exist.
    """
    rows = Offer.objects.select_related("network")
    if given:
        found = rows.filter(pk=number_of(given) or 0).first()
        if found is None:
            raise Http404
        return found
    newest = Conversion.objects.order_by("-created_at").values_list("offer_id", flat=True).first()
    return rows.filter(pk=newest or 0).first() or rows.order_by("name").first()


def coverage_url(offer_id: object = "") -> str:
    """Where the figures are; those of one offer if its id is given, or what somebody put in its place."""
    key = number_of(str(offer_id))
    return reverse("admin:conversions_conversion_coverage", query={"offer": key} if key else None)


def figures_of(offer: Offer) -> dict[str, Any]:
    """What the template shows of an offer, in a constant number of queries."""
    now = clock.now()
    coverage = coverage_of(offer, list(offer.event_rules.select_related("offer")), now)
    arrivals = arrivals_of(offer, now)
    return {
        "labels": LABELS.values(),
        "weights": [(LABELS[key], f"{weight:g}") for key, weight in WEIGHTS.items()],
        "conversions_read": in_words(coverage.read, "conversion"),
        "untold": untold_words(coverage),
        "events": [event_line(event, offer) for event in coverage.events],
        "matched": table(MATCHED_HEADERS, map(matched_row, coverage.matched), NONE_MATCHED),
        "clicks_read": in_words(arrivals.read, "click"),
        "answers": table(ANSWER_HEADERS, answer_rows(arrivals), NOBODY_CAME),
        "robots": robot_lines(arrivals),
    }


def in_words(count: int, one: str) -> str:
    """What the figures are about."""
    if count >= NEWEST:
        return f"These are the newest {NEWEST:,} {one}s of the last 7 days; there may be more."
    if not count:
        return f"There was no {one} in the last 7 days."
    return f"This is the one {one} of the last 7 days." if count == 1 else f"These are all {count:,} {one}s of 7 days."


def untold_words(coverage: Coverage) -> str:
    """How many conversions are left out, and why."""
    parts = [f"{coverage.untold[reason]:,} {UNTOLD_WORDS[reason]}" for reason in UNTOLD if coverage.untold[reason]]
    return ", ".join(parts)


def event_line(event: EventCoverage, offer: Offer) -> dict[str, Any]:
    return {
        "name": event.event_name,
        "count": f"{event.count:,}",
        "score": badge(f"{event.score:.1f}", tone_of(event.score / 10)) if event.count else "–",
        "bars": bars_of(event) if event.count else [],
        "advice": advice_of(event, offer) if event.count else NOTHING_YET,
    }


def bars_of(event: EventCoverage) -> list[tuple[str, SafeString, int]]:
    """Each identifier with its share of the conversions, and how many those are."""
    return [(label, bar(event.share(key)), event.told[key]) for key, label in LABELS.items()]


def percent_of(share: float) -> int:
    """Rounded, but 100 only for all and 0 only for none."""
    if 0 < share < 1:
        return min(99, max(1, round(share * 100)))
    return round(share * 100)


def bar(share: float) -> SafeString:
    return format_html(BAR, percent_of(share))


def tone_of(share: float) -> str:
    return "good" if share >= WELL else "warn" if share >= FAIR else "bad"


def advice_of(event: EventCoverage, offer: Offer) -> str:
    """What to add next, and where: the identifier that would raise the score most."""
    key = event.weakest
    if not key:
        return COMPLETE
    if key in offer.withheld:
        held = event.share_held(key)
        known = f" {percent_of(held)} % of these conversions have one already." if held else ""
        return APPROVE.format(APPROVALS[key]) + known
    if key == "ttp" and not offer.allows("pixel"):
        return NO_PIXEL
    return ADVICE[key].format(offer.network.parameter_names.get(key, key))


def matched_row(event: Matched) -> list[Any]:
    counts = [f"{count:,}" for count in (event.count, event.fired, event.blocked, event.unheard)]
    ratio = "–" if event.ratio is None else badge(f"{percent_of(event.ratio)} %", tone_of(event.ratio))
    return [format_html("<b>{}</b>", event.event_name), ratio, *counts, match_advice(event)]


def match_advice(event: Matched) -> str:
    """What to look at when few browsers say that their Pixel fired."""
    if event.ratio is None:
        return NOTHING_YET
    if event.ratio >= WELL:
        return "Both legs tell the same story."
    if event.blocked >= event.unheard:
        return "Browsers keep the Pixel back. The Events API tells these alone."
    return "Browsers do not say what became of the Pixel. Check the pages that call it."


def answer_rows(arrivals: Arrivals) -> list[list[Any]]:
    """A line for each answer that there was, by the share of visitors who gave it."""
    given = [(arrivals.answers[answer], *words) for answer, words in ANSWERS.items() if arrivals.answers[answer]]
    return [
        [badge(label, tone), bar(count / arrivals.visitors), f"{count:,}", meaning]
        for count, label, tone, meaning in given
    ]


def robot_lines(arrivals: Arrivals) -> list[dict[str, Any]]:
    return [
        {"label": Robot(kind).label, "count": f"{count:,}", "percent": percent_of(count / arrivals.read)}
        for kind, count in arrivals.robots.most_common()
    ]
