"""The pages that explain why a network's or TikTok's figure is not ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from conversions.admin.inbox import number_of
from conversions.models import Conversion, Upload, UploadRow
from conversions.visitor import clean_text
from dispatch.admin.report_form import Entry, event_names, question_of
from dispatch.admin.report_table import conversions_url, money
from dispatch.admin.screens import show
from dispatch.reasons import Reason
from dispatch.reports.asking import Question
from dispatch.reports.difference_words import NETWORK, STATES, TIKTOK
from dispatch.reports.network_differences import LATE, LONGEST, Differences, Theirs, network_differences
from dispatch.reports.periods import PRESETS
from dispatch.reports.tiktok_differences import WINDOWS, TikTokDifferences, tiktok_differences
from dispatch.reports.zones import zone_choices
from offers.models import Offer
from offers.vocabulary import CURRENCIES

Status = Conversion.Status
COUNTABLE = [Status.APPROVED, Status.PARTIAL, Status.PENDING, Status.REJECTED, Status.REFUNDED, Status.CHARGEBACK]
USUAL = frozenset({Status.APPROVED, Status.PARTIAL, Status.PENDING})
DIGITS = 9
MOST = 10**DIGITS
LONGEST_EVENT = 50
MAY_SEE_ROWS, MAY_SEE_UPLOADS = "conversions.view_conversion", "conversions.view_upload"
UPLOADS_SHOWN = 5


@dataclass(frozen=True)
class Step:
    """One line of the way from our figure to theirs."""

    label: str
    count: str
    payout: str = ""
    words: str = ""
    link: str = ""
    is_sum: bool = False


@require_GET
def network_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Ours beside the network's number, once one is entered."""
    offer, question, errors = asked(request)
    theirs = read_theirs(request, offer, errors) if "count" in request.GET or "upload" in request.GET else None
    found = network_differences(offer, question.period, theirs) if theirs and not errors else None
    return show(
        request, "report_compare", f"Compare with {offer.network}: {offer}", model_admin,
        offer=offer, question=question, errors=errors, fields=period_fields(question, errors),
        theirs=theirs, currency=currency_of(request, offer), currencies=sorted(CURRENCIES),
        given=request.GET, statuses=ticks(request, theirs), tests="tests" in request.GET, is_network=True,
        steps=network_steps(found, theirs, question, offer, request) if found and theirs else [],
        found=found, uploads=reports_of(request, offer),
    )  # fmt: skip


@require_GET
def tiktok_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Ours beside what TikTok shows of one event, once its number is entered."""
    offer, question, errors = asked(request)
    event = clean_text(request.GET.get("event", ""), LONGEST_EVENT)
    count = read_number(request.GET.get("count", ""), errors) if "count" in request.GET else None
    window = read_window(request.GET.get("window", ""), errors)
    if count is not None and not event:
        errors["event"] = "Choose the event that the number is of."
    ready = count is not None and not errors
    found = tiktok_differences(offer, event, question.period, count or 0, window) if ready else None
    events = [("", "–"), *((name, name) for name in event_names(event))]
    return show(
        request, "report_compare", f"Compare with TikTok: {offer}", model_admin,
        offer=offer, question=question, errors=errors,
        fields=[*period_fields(question, errors), Entry("event", "Event", event, events, "", errors.get("event", ""))],
        given=request.GET, windows=[(str(days), f"{days} day{'' if days == 1 else 's'}") for days in WINDOWS],
        window=str(window or ""), is_network=False, found=found,
        steps=tiktok_steps(found, count or 0, request) if found else [],
    )  # fmt: skip


def asked(request: HttpRequest) -> tuple[Offer, Question, dict[str, str]]:
    """The offer and the period. Raises Http404 for an offer that there is not."""
    offer = Offer.objects.select_related("network").filter(pk=number_of(request.GET.get("offer")) or 0).first()
    if offer is None:
        raise Http404("There is no such offer. Open this page from the report by offer.")
    params = {name: request.GET[name] for name in ("period", "since", "until", "zone") if name in request.GET}
    question, errors = question_of(params, request)
    if question.period.days > LONGEST:
        errors["period"] = f"Choose {LONGEST} days at most: figures of longer periods hide what differs."
    return offer, question, errors


def period_fields(question: Question, errors: Mapping[str, str]) -> list[Entry]:
    params = question.params
    zone = Entry("zone", "Time zone", params["zone"], zone_choices(), "", errors.get("zone", ""))
    period = Entry("period", "Period", params["period"], list(PRESETS.items()), "", errors.get("period", ""))
    dates = [("since", "From"), ("until", "To")]
    return [
        period,
        *(Entry(name, label, params.get(name, ""), None, "date", errors.get(name, "")) for name, label in dates),
        zone,
    ]


def read_number(text: str, errors: dict[str, str]) -> int | None:
    plain = text.strip().replace(",", "").replace(" ", "")
    if plain.isascii() and plain.isdigit() and len(plain) <= DIGITS:
        return int(plain)
    errors["count"] = "Enter their number as a whole number, such as 120."
    return None


def read_payout(text: str, errors: dict[str, str]) -> Decimal:
    try:
        payout = Decimal(text.strip() or 0)
    except InvalidOperation:
        payout = Decimal("NaN")
    if payout.is_finite() and abs(payout) < MOST:
        return payout
    errors["payout"] = "Enter their payout as a plain number with a point, such as 1234.50."
    return Decimal(0)


def read_window(text: str, errors: dict[str, str]) -> int | None:
    if text and text not in map(str, WINDOWS):
        errors["window"] = "Choose one of the windows of the list."
    return int(text) if text in map(str, WINDOWS) else None


def currency_of(request: HttpRequest, offer: Offer) -> str:
    given = request.GET.get("money", "")
    return given if given in CURRENCIES else offer.currency


def read_theirs(request: HttpRequest, offer: Offer, errors: dict[str, str]) -> Theirs | None:
    """What the person entered, or what an upload of the network's report sums up to."""
    currency = currency_of(request, offer)
    if "upload" in request.GET and request.user.has_perm(MAY_SEE_UPLOADS):
        return theirs_of_upload(request.GET["upload"], offer, currency, errors)
    count = read_number(request.GET.get("count", ""), errors)
    payout = read_payout(request.GET.get("payout", ""), errors)
    counted = frozenset(set(request.GET.getlist("counts")) & set(COUNTABLE))
    if count is None:
        return None
    return Theirs(count, payout, currency, counted, "tests" in request.GET)


def theirs_of_upload(text: str, offer: Offer, currency: str, errors: dict[str, str]) -> Theirs | None:
    """All rows of the file: a report may say in it what it says of each status, so that all count."""
    upload = reconciled(offer).filter(pk=number_of(text) or 0).first()
    if upload is None:
        errors["upload"] = "There is no such compared report of this offer's network."
        return None
    left_out = [UploadRow.Verdict.MISSING_THERE, UploadRow.Verdict.REFUSED]
    rows = UploadRow.objects.filter(upload=upload).exclude(verdict__in=left_out).order_by()
    totals = {row["currency"]: row for row in rows.values("currency").annotate(n=Count("pk"), total=Sum("payout"))}
    count = sum(row["n"] for row in totals.values())
    payout = sum((totals[name]["total"] or Decimal(0) for name in (currency, "") if name in totals), Decimal(0))
    return Theirs(count, payout, currency, frozenset(COUNTABLE))


def reconciled(offer: Offer) -> Any:
    done = [Upload.State.CHECKED, Upload.State.DONE]
    rows = Upload.objects.without_content().filter(
        network=offer.network_id, purpose=Upload.Purpose.RECONCILE, state__in=done, period_from__isnull=False
    )
    return rows.filter(offer__in=[offer]) | rows.filter(offer=None)


def reports_of(request: HttpRequest, offer: Offer) -> list[tuple[str, str]]:
    """Reports of this network that were compared already, each with the address that takes its sums."""
    if not request.user.has_perm(MAY_SEE_UPLOADS):
        return []
    found = []
    for upload in reconciled(offer).order_by("-pk")[:UPLOADS_SHOWN]:
        first, last = upload.period_from, upload.period_to or upload.period_from
        params = {"offer": offer.pk, "period": "own", "since": first, "until": last, "zone": "UTC", "upload": upload.pk}
        found.append((f"{upload.file_name} ({first:%-d %b} to {last:%-d %b %Y})", f"?{urlencode(params)}"))
    return found


def ticks(request: HttpRequest, theirs: Theirs | None) -> list[tuple[str, str, bool]]:
    chosen = theirs.counted if theirs else set(request.GET.getlist("counts")) or USUAL
    return [(status.value, str(status.label), status.value in chosen) for status in COUNTABLE]


def network_steps(
    found: Differences, theirs: Theirs, question: Question, offer: Offer, request: HttpRequest
) -> list[Step]:
    """Ours, each class, what is left, theirs: the counts and sums of all lines before the last one add up to it."""
    may = request.user.has_perm(MAY_SEE_ROWS)
    ours = link_of(offer, question, "recorded") if may else ""
    first = NETWORK["ours"]
    steps = [Step(first.label, f"{found.ours.count:,}", money(found.ours.payout), first.words, ours, True)]
    for key, words in NETWORK.items():
        amount = found.classes.get(key)
        if key == "ours" or (amount is None and key not in ("late", "early", "unusable")):
            continue
        count, payout = (amount.count, amount.payout) if amount else (0, Decimal(0))
        link = link_of(offer, question, words.rows, key) if may and words.rows and count else ""
        steps.append(Step(words.label, signed(count), signed_money(payout), words.words, link))
    left = found.unexplained
    steps.append(Step("Unexplained", signed(left.count), signed_money(left.payout), NETWORK_REST, ""))
    return [*steps, Step("Theirs", f"{theirs.count:,}", money(theirs.payout), "", "", True)]


NETWORK_REST = (
    "Nothing recorded here explains this. Take the network's list of conversions and compare it row by row under "
    "Uploads: it names each one that is missing on either side."
)
TIKTOK_REST = (
    "Nothing recorded here explains this. TikTok's figures settle for up to a day or two; its own filters, events that "
    "other senders tell under the same pixel, and modelled conversions are in its number only."
)


def tiktok_steps(found: TikTokDifferences, theirs: int, request: HttpRequest) -> list[Step]:
    may = request.user.has_perm("dispatch.view_delivery")
    recorded, accepted = TIKTOK["recorded"], TIKTOK["accepted"]
    steps = [Step(recorded.label, f"{found.recorded:,}", "", recorded.words, "", True)]
    for (state, reason), count in sorted(found.untold.items(), key=lambda item: -item[1]):
        steps.append(untold_step(state, reason, count, may))
    steps.append(Step(accepted.label, f"{found.accepted:,}", "", accepted.words, "", True))
    for key, words in TIKTOK.items():
        if words.rows == "shift" and found.shifts[key]:
            steps.append(Step(words.label, signed(found.shifts[key]), "", words.words))
    steps.append(Step("Unexplained", signed(found.unexplained), "", TIKTOK_REST))
    return [*steps, Step("Theirs", f"{theirs:,}", "", "", "", True)]


def untold_step(state: str, reason: str, count: int, may: bool) -> Step:
    label = STATES[state].label + (f": {Reason(reason).label}" if reason in Reason.values else "")
    words = Reason(reason).advice if reason in Reason.values else STATES[state].words
    params = {"status__exact": state, **({"reason__exact": reason} if reason else {})}
    link = f"{reverse('admin:dispatch_delivery_changelist')}?{urlencode(params)}" if may and state else ""
    return Step(label, signed(-count), "", words, link)


def signed(count: int) -> str:
    return f"{count:+,}" if count else "0"


def signed_money(amount: Decimal) -> str:
    return f"{amount:+,.2f}" if amount else "0.00"


def link_of(offer: Offer, question: Question, rows: str, key: str = "") -> str:
    """The list of conversions, as near to the class as its filters come."""
    if rows == "inbox":
        return f"{reverse('admin:conversions_postback_changelist')}?network__id__exact={offer.network_id}"
    period = question.period
    since, until = (period.until, period.until + LATE) if rows == "after" else (period.since, period.until)
    status = {"status__exact": key} if key in Status.values else {}
    return conversions_url(since, until, offer__id__exact=offer.pk, **status)
