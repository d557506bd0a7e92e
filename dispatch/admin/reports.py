"""Reports: the page, its files, and the pages that explain what differs from other people's figures."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_POST

from dispatch import clock
from dispatch.admin.report_differences import network_page, tiktok_page
from dispatch.admin.report_file import download
from dispatch.admin.report_form import form_of, question_of, remember, usual
from dispatch.admin.report_table import Table
from dispatch.admin.report_timeline import charts_of
from dispatch.admin.screens import show
from dispatch.models.rollup import Report
from dispatch.reports.asking import Question, UnreadableReportError, read
from dispatch.reports.currencies import converter
from dispatch.reports.names import Names, names
from dispatch.reports.query import EXPORTED, SHOWN, answer
from dispatch.rollups.keeping import as_of
from dispatch.rollups.rechecking import filled_to
from offers.admin_parts import RecordAdmin, moment

MAY_SEE_ROWS = "conversions.view_conversion"


@admin.register(Report)
class ReportAdmin(RecordAdmin):
    """Pages without rows of their own: what is asked stands in the address, whole, to be kept as a bookmark."""

    def get_urls(self) -> list[URLPattern]:
        pages = [
            ("", report_page, "changelist"),
            ("export/", export, "export"),
            ("network/", network_page, "network"),
            ("tiktok/", tiktok_page, "tiktok"),
        ]
        return [path(route, self.guarded(view), name=f"dispatch_report_{name}") for route, view, name in pages]

    def guarded(self, view: Any) -> Any:
        """Only for those who may see reports; being staff is not enough."""

        def guarded(request: HttpRequest) -> HttpResponseBase:
            if not self.has_view_permission(request):
                raise PermissionDenied
            answered: HttpResponseBase = view(request, self)
            return answered

        return self.admin_site.admin_view(guarded)


@require_GET
def report_page(request: HttpRequest, model_admin: ReportAdmin) -> HttpResponse:
    """The report that the address asks for, or what is wrong with the address."""
    named = names()
    question, errors = question_of(request.GET.dict(), request)
    table = None if errors else table_of(request, question, named)
    response = show(
        request,
        "report",
        "Reports",
        model_admin,
        question=question,
        form=form_of(question, named, request.GET, errors),
        errors=errors,
        table=table,
        charts=charts_of(table) if table else [],
        as_of=moment(as_of()),
        filled_to=unfilled(question),
        shown=SHOWN,
        is_running=question.period.since <= clock.now() < question.period.until,
    )
    remember(request, response, question)
    return response


def unfilled(question: Question) -> str:
    """Since when there are sums, where the first back-fill has not reached the beginning of the report yet."""
    filled = filled_to()
    since = question.period.before().since if question.before else question.period.since
    return moment(filled) if filled and filled > since else ""


def table_of(request: HttpRequest, question: Question, named: Names, most: int = SHOWN) -> Table:
    now = clock.now()
    rates = converter(question.currency, now.date())
    return Table(question, answer(question, now, most), rates, named, request.user.has_perm(MAY_SEE_ROWS))


@require_POST
def export(request: HttpRequest, model_admin: ReportAdmin) -> HttpResponseBase:
    """The table of the same address as a file."""
    try:
        question = read(request.GET.dict(), clock.now(), usual(request))
    except UnreadableReportError as error:
        return HttpResponse(f"{error}\n", status=400, content_type="text/plain; charset=utf-8")
    return download(request, table_of(request, question, names(), EXPORTED))
