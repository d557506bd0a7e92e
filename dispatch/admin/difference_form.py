"""What somebody entered to compare with: the offer, the period, and the other side's number."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Sum
from django.http import Http404, HttpRequest

from conversions.admin.inbox import number_of
from conversions.models import Conversion, Upload, UploadRow
from dispatch.admin.report_form import Entry, question_of
from dispatch.reports.asking import Question
from dispatch.reports.network_differences import LONGEST, Theirs
from dispatch.reports.periods import PRESETS
from dispatch.reports.tiktok_differences import WINDOWS
from dispatch.reports.zones import zone_choices
from offers.models import Offer
from offers.vocabulary import CURRENCIES

Status = Conversion.Status
COUNTABLE = [Status.APPROVED, Status.PARTIAL, Status.PENDING, Status.REJECTED, Status.REFUNDED, Status.CHARGEBACK]
USUAL = frozenset({Status.APPROVED, Status.PARTIAL, Status.PENDING})
DIGITS = 9
MOST = 10**DIGITS
MAY_SEE_UPLOADS = "conversions.view_upload"
UPLOADS_SHOWN = 5


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
