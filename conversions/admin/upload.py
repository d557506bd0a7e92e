from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from conversions.admin import upload_download, upload_page, upload_steps
from conversions.models import Upload, UploadRow
from offers.admin_parts import RecordAdmin, moment, shown


@admin.register(Upload)
class UploadAdmin(RecordAdmin):
    list_display = ["file_name", "state_shown", "purpose_shown", "network", "progress_shown", "said", "who", "uploaded"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("purpose", ChoicesDropdownFilter),
        ("network", RelatedDropdownFilter),
    ]
    list_filter_submit = True
    list_select_related = ["network", "uploaded_by"]
    search_fields = ["file_name"]
    search_help_text = "Search by a part of the file's name."
    sortable_by: list[str] = []
    empty_sentence = (
        "No file was uploaded yet. Upload one to bring in conversions that no postback told of, or to compare a "
        "network's report with what is recorded here."
    )

    class Media:
        css = {"all": ["conversions/upload.css"]}
        js = ["conversions/upload.js"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("conversions.add_upload")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upload]:
        rows: QuerySet[Upload] = super().get_queryset(request)
        return rows.defer("content")

    def get_urls(self) -> list[URLPattern]:
        steps: list[tuple[str, Callable[..., HttpResponseBase], str]] = [
            ("example/", upload_steps.example, "example"),
            ("<int:key>/progress/", upload_steps.progress, "progress"),
            ("<int:key>/columns/", upload_steps.columns, "columns"),
            ("<int:key>/create/", upload_steps.create, "create"),
            ("<int:key>/check/", upload_steps.check, "check"),
            ("<int:key>/rows.csv", upload_steps.download, "download"),
        ]
        own = [path(route, self.own(view), name=f"conversions_upload_{name}") for route, view, name in steps]
        return [*own, *super().get_urls()]

    def own(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """One of our views behind the admin's login."""

        def wrapped(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            return view(request, admin=self, **kwargs)

        guarded: Callable[..., HttpResponseBase] = self.admin_site.admin_view(wrapped)
        return guarded

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return upload_steps.add(request, self)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The upload's own page."""
        upload = self.get_object(request, object_id)
        if not self.has_view_permission(request, upload):
            raise PermissionDenied
        if upload is None:
            response: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return response
        return upload_steps.show(request, self, "page", upload.file_name, **self.page_context(request, upload))

    def page_context(self, request: HttpRequest, upload: Upload) -> dict[str, Any]:
        groups = [] if upload.is_working and upload.state != Upload.State.CREATING else upload_page.groups_of(upload)
        verdict = request.GET.get("verdict", "")
        count = sum(group.count for group in groups if verdict in ("", group.verdict))
        creatable = sum(group.creatable for group in groups)
        page = upload_page.page_of(upload, verdict, count, request.GET.get("p", "1"))
        may_create = request.user.has_perm("conversions.import_upload") and not upload.is_working
        return {
            "upload": upload,
            "original": upload,
            "badge": upload_page.state_badge(upload),
            "words": upload_page.WORDS.get(Upload.State(upload.state), ""),
            "progress": upload_page.progress_of(upload),
            "columns_read": upload_page.columns_read(upload),
            "columns_left": upload_page.columns_left(upload),
            "groups": groups,
            "creatable": creatable,
            "creatable_shown": f"{creatable:,}",
            "total_shown": f"{upload.rows_total:,}",
            "deciding": [g for g in groups if g.verdict in upload_page.BY_DECISION and g.creatable],
            "verdict": UploadRow.Verdict(verdict) if verdict in UploadRow.Verdict.values else "",
            "page": page,
            "reasons": upload_page.reasons_of(upload) if verdict == UploadRow.Verdict.REFUSED else [],
            "lines": [upload_page.line_of(row, upload) for row in page.object_list],
            "may_create": may_create,
            "may_add": self.has_add_permission(request),
            "may_take_personal": upload_download.may_take_personal(request),
        }

    state_shown = shown("state", upload_page.state_badge)
    purpose_shown = shown("for", lambda row: "Comparing" if row.is_report else "Import")
    progress_shown = shown("rows", lambda row: upload_page.progress_of(row)["rows"] or f"{row.rows_total:,}")
    said = shown("result", lambda row: row.detail)
    who = shown("uploaded by", lambda row: row.uploaded_by)
    uploaded = shown("uploaded", lambda row: moment(row.created_at))
