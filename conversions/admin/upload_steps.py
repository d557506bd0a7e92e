"""The steps of an upload: bring a file in, say what its columns are, look, and have its rows recorded."""

import csv
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from conversions import clock
from conversions.admin import screens, upload_download
from conversions.admin.upload_forms import ColumnsForm, UploadForm
from conversions.admin.upload_page import BY_DECISION, progress_of
from conversions.models import Upload, UploadRow
from conversions.uploads import files
from conversions.uploads.columns import described, find_headings, recognise
from conversions.uploads.creating import check_again, choose
from conversions.uploads.files import FileRefusedError
from conversions.uploads.reading import sample
from conversions.uploads.standing import lock_in, move
from conversions.wake import UPLOADS, enqueue
from offers.encryption import SecretUnreadableError

State, Verdict = Upload.State, UploadRow.Verdict
EXAMPLE = [
    ["Click ID", "Transaction ID", "Status", "Payout", "Currency", "Conversion time", "ttclid", "Offer", "Click time",
     "Consent", "Email", "Phone"],
    ["01m80nn4ndzbtad5s2j55ahpyh", "ORD-1001", "approved", "12.50", "USD", "2026-01-31 14:05", "", "", "", "", "", ""],
    ["", "ORD-1002", "approved", "12.50", "USD", "2026-01-31 15:20", "E.C.P.EXAMPLE", "my-offer", "2026-01-31 15:02",
     "granted", "buyer@example.com", "+12025550123"],
]  # fmt: skip


def may(request: HttpRequest, codename: str) -> None:
    """Raises PermissionDenied."""
    if not request.user.has_perm(f"conversions.{codename}"):
        raise PermissionDenied


def show(request: HttpRequest, admin: Any, template: str, title: str, **context: Any) -> TemplateResponse:
    """One of the upload's templates in the frame, with the scripts of its pages."""
    return screens.show(request, f"upload/{template}", title, admin, media=admin.media, **context)


def to_page(upload: Upload) -> HttpResponse:
    return redirect("admin:conversions_upload_change", upload.pk)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, admin: Any) -> HttpResponse:
    """The form; on POST the file is kept and a worker is woken."""
    may(request, "add_upload")
    form = UploadForm(request.POST or None, request.FILES or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        upload = keep(request, form)
        admin.log_addition(request, upload, f"Uploaded to {upload.get_purpose_display().lower()}.")
        enqueue(UPLOADS)
        return to_page(upload)
    return show(request, admin, "add", "Upload a file", form=form)


def keep(request: HttpRequest, form: UploadForm) -> Upload:
    given, now = form.cleaned_data, clock.now()
    is_report = given["purpose"] == Upload.Purpose.RECONCILE
    return Upload.objects.create(
        network=given["network"],
        offer=given["offer"],
        purpose=given["purpose"],
        file_name=given["file"].name.replace("\x00", "")[-200:],
        uploaded_by_id=request.user.pk,
        created_at=now,
        worked_at=now,
        period_from=given["period_from"] if is_report else None,
        period_to=given["period_to"] if is_report else None,
        asks_columns=given["asks_columns"],
        content=files.pack(form.content),
    )


@require_GET
def example(request: HttpRequest, admin: Any) -> HttpResponse:
    """A file to begin with."""
    may(request, "view_upload")
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="conversions-example.csv"'
    csv.writer(response).writerows(EXAMPLE)
    return response


@require_GET
def progress(request: HttpRequest, admin: Any, key: int) -> HttpResponse:
    """Where it stands, as JSON."""
    may(request, "view_upload")
    return JsonResponse(progress_of(get_object_or_404(Upload.objects.without_content(), pk=key)))


@require_http_methods(["GET", "POST"])
def columns(request: HttpRequest, admin: Any, key: int) -> HttpResponse:
    """Ask which column is which; on POST the file is read that way."""
    may(request, "add_upload")
    upload = get_object_or_404(Upload.objects.select_related("network"), pk=key)
    if upload.state != State.COLUMNS:
        return to_page(upload)
    try:
        _, headings, samples = find_headings(sample(upload), upload.network)
    except (FileRefusedError, SecretUnreadableError) as error:
        messages.error(request, str(error))
        return to_page(upload)
    guessed = recognise(headings, samples, upload.network)
    form = ColumnsForm(headings, guessed, request.POST or None)
    if request.method == "POST" and form.is_valid():
        take_columns(upload.pk, form)
        return to_page(upload)
    seen = described(headings, samples)
    return show(request, admin, "columns", "Which column is which?", upload=upload, form=form, seen=seen)


def take_columns(key: int, form: ColumnsForm) -> None:
    with transaction.atomic():
        upload = lock_in(key, State.COLUMNS)
        if upload:
            upload.columns, upload.date_order = form.columns, form.cleaned_data["date_order"]
            move(upload, State.WAITING)
    enqueue(UPLOADS)


@require_POST
def create(request: HttpRequest, admin: Any, key: int) -> HttpResponse:
    """Have rows recorded: an import's good ones at once, a report's after one more look with the counts."""
    may(request, "import_upload")
    upload = get_object_or_404(Upload.objects.without_content().select_related("network"), pk=key)
    which = chosen(request, upload)
    rows = upload.rows.creatable().filter(which)
    if "confirmed" not in request.POST and upload.is_report:
        hidden = [(name, value) for name in ("row", "verdict") for value in request.POST.getlist(name)]
        counts = [(Verdict(verdict).label, rows.filter(verdict=verdict).count()) for verdict in BY_DECISION]
        known = {"count": rows.count(), "counts": [(label, count) for label, count in counts if count]}
        return show(request, admin, "confirm", "Create what was missing?", upload=upload, hidden=hidden, **known)
    count = choose(upload.pk, which)
    if count:
        admin.log_change(request, upload, f"Had {count:,} rows recorded.")
        enqueue(UPLOADS)
    else:
        messages.warning(request, "Nothing was started: it is under way already, or no row is left to be recorded.")
    return to_page(upload)


@require_POST
def check(request: HttpRequest, admin: Any, key: int) -> HttpResponse:
    """Have the rows checked once more, after something was repaired."""
    may(request, "add_upload")
    upload = get_object_or_404(Upload.objects.without_content(), pk=key)
    if check_again(upload.pk):
        enqueue(UPLOADS)
    else:
        messages.warning(request, "There is nothing to check: a worker is at it, or every row was recorded.")
    return to_page(upload)


def chosen(request: HttpRequest, upload: Upload) -> Q:
    """The rows that the page named: ticked ones, those of a verdict, or all that change something."""
    if not upload.is_report:
        return Q()
    verdict = request.POST.get("verdict", "")
    if verdict:
        return Q(verdict=verdict) if verdict in BY_DECISION else Q(pk__in=[])
    ticked = [int(key) for key in request.POST.getlist("row") if key.isascii() and key.isdigit() and len(key) < 19]
    return Q(pk__in=ticked, verdict__in=BY_DECISION)


@require_GET
def download(request: HttpRequest, admin: Any, key: int) -> HttpResponseBase:
    """Rows as CSV with the reason of each; who people are only for those who may take that out."""
    may(request, "add_upload")
    upload = get_object_or_404(Upload.objects.without_content(), pk=key)
    return upload_download.respond(request, admin, upload, request.GET.get("verdict", ""))
