"""Lists that can be downloaded: a page that says what will be in the file, then the file itself."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldBooleanWidget

from conversions import clock
from conversions.exporting import Cell, Column, Counted, chosen, csv_lines, rows_of
from conversions.workbook import MOST_ROWS, write_xlsx
from offers.admin_parts import CappedPaginator

PERSONAL = "conversions.export_personal"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RECENT = 5
TOO_LONG = "An Excel sheet holds 1,048,575 rows, and these are more. Use CSV, or filter the list first."


class ExportForm(forms.Form):
    """What kind of file, and whether it says who people are; the second only for those who may know."""

    format = forms.ChoiceField(
        choices=[("csv", "CSV"), ("xlsx", "Excel (XLSX)")],
        initial="csv",
        widget=UnfoldAdminRadioSelectWidget,
        help_text="CSV has no limit and starts at once, but Excel shortens long ids when it opens one. XLSX keeps them "
        "as they are; it holds up to 1,048,575 rows and starts once it is complete, after some seconds each 100,000.",
    )
    personal = forms.BooleanField(
        label="Include personal data (address, browser, hashed e-mail and phone, ttclid)",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Only if you need it: the file is outside of this site's protection and is not deleted when the "
        "retention period ends. The history notes that it was included.",
    )

    def __init__(self, request: HttpRequest, rows: QuerySet[Any], data: Any = None) -> None:
        super().__init__(data)
        self.rows = rows
        if not request.user.has_perm(PERSONAL):
            del self.fields["personal"]

    def clean_format(self) -> str:
        kind: str = self.cleaned_data["format"]
        if kind == "xlsx" and self.rows.order_by()[MOST_ROWS : MOST_ROWS + 1].exists():
            raise forms.ValidationError(TOO_LONG)
        return kind

    @property
    def with_personal(self) -> bool:
        return bool(self.cleaned_data.get("personal"))


class ExportMixin:
    """For the admin of recorded rows: a button for what the list shows, an action for what is selected there."""

    export_columns: ClassVar[Sequence[Column]] = ()
    change_list_template = "admin/conversions/export_list.html"
    actions: Sequence[Any] = ["export_selected"]
    opts: Any

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may not look at the rows may not take them either."""
        app, model = self.opts.app_label, self.opts.model_name
        return request.user.has_perms([f"{app}.view_{model}", f"{app}.export_{model}"])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)  # type: ignore[attr-defined]
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", view, name=name), *super().get_urls()]  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        link = f"{self.export_url()}?{request.GET.urlencode()}" if self.has_export_permission(request) else ""
        return super().changelist_view(request, {**(extra_context or {}), "export_link": link})  # type: ignore[misc]

    def export_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")

    def list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Exactly what the list shows under the same address: the same filters, the same search."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset  # type: ignore[attr-defined]
        except IncorrectLookupParameters:
            return redirect(self.list_url())
        query = request.GET.urlencode()
        about = "What the list shows with its present search and filters" if query else "All of the list"
        return self.export(request, rows, about, f"{self.list_url()}?{query}" if query else self.list_url())

    @admin.action(description="Export the selected %(verbose_name_plural)s …", permissions=["export"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        selected = [(ACTION_CHECKBOX_NAME, key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)]
        across = ("select_across", request.POST.get("select_across", "0"))
        hidden = [("action", "export_selected"), across, *selected]
        return self.export(request, queryset, "What you have selected", request.get_full_path(), hidden)

    def export(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        about: str,
        back_url: str,
        hidden: Sequence[tuple[str, str]] = (),
    ) -> HttpResponseBase:
        """The page, and the file when the page is answered."""
        form = ExportForm(request, rows, request.POST if "confirmed" in request.POST else None)
        if form.is_valid():
            return self.download(request, form)
        count = rows.order_by()[: CappedPaginator.cap + 1].count()
        if not count:
            messages.warning(request, "There is nothing to export: no row matches.")
            return redirect(back_url)
        facts = {"form": form, "count": in_words(count), "about": about, "back_url": back_url, "hidden": hidden}
        return TemplateResponse(request, "admin/conversions/export.html", {**self.frame(request, form), **facts})

    def frame(self, request: HttpRequest, form: ExportForm) -> dict[str, Any]:
        """What the page shows whatever rows were chosen."""
        return {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.opts,
            "title": f"Export {self.opts.verbose_name_plural}",
            "columns": chosen(self.export_columns, "personal" in form.fields),
            "recent": recent(self.opts.model),
        }

    def download(self, request: HttpRequest, form: ExportForm) -> HttpResponseBase:
        """The file. Who took it is on record before its first byte goes out, how many rows it had afterwards."""
        kind, columns = form.cleaned_data["format"], chosen(self.export_columns, form.with_personal)
        entry = note(request, self.opts.model, kind, form.with_personal)
        rows = iter(Counted(rows_of(form.rows, columns), partial(note_end, entry)))
        title = str(self.opts.verbose_name_plural)
        return answered(f"{title}-{clock.now():%Y-%m-%d-%H%M}.{kind}", title, columns, rows)


def answered(name: str, title: str, columns: Sequence[Column], rows: Iterable[list[Cell]]) -> HttpResponseBase:
    """A file of that name: CSV row by row, a workbook once it is complete."""
    if name.endswith(".csv"):
        response = StreamingHttpResponse(csv_lines(columns, rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response
    file, _ = write_xlsx(columns, rows, title)
    headers = {"Cache-Control": "no-store"}
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX_TYPE, headers=headers)


def recent(model: Any) -> QuerySet[LogEntry]:
    """The last files that were taken, and by whom."""
    kind = ContentType.objects.get_for_model(model)
    entries = LogEntry.objects.filter(content_type=kind, object_repr=title_of(model), object_id=None)
    return entries.select_related("user").order_by("-pk")[:RECENT]


def title_of(model: Any) -> str:
    return f"Export of {model._meta.verbose_name_plural}"


def in_words(count: int) -> str:
    """A count that goes no further than anybody waits for."""
    return f"more than {CappedPaginator.cap:,}" if count > CappedPaginator.cap else f"{count:,}"


def note(request: HttpRequest, model: Any, kind: str, with_personal: bool) -> LogEntry:
    """That somebody takes a file, in the admin's history."""
    words = f"Exported as {kind.upper()} {'with' if with_personal else 'without'} personal data."
    return LogEntry.objects.create(
        user=request.user,  # type: ignore[misc]
        content_type=ContentType.objects.get_for_model(model),
        object_repr=title_of(model),
        action_flag=CHANGE,
        change_message=words,
    )


def note_end(entry: LogEntry, count: int, is_complete: bool) -> None:
    rows = "1 row." if count == 1 else f"{count:,} rows."
    words = rows if is_complete else f"Broken off after {rows}"
    LogEntry.objects.filter(pk=entry.pk).update(change_message=f"{entry.change_message} {words}")
