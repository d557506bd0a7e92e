"""The audit of consent: every answer a visitor gave, with who told us, where, and whether it was asked for."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from conversions.admin.badges import answer_shown
from conversions.admin.export import ExportMixin
from conversions.admin.searching import by_click, term_of
from conversions.export_columns import ANSWERS
from conversions.models import ConsentRecord
from offers.admin_parts import RecordAdmin, SpanFilter, admin_link, link, moment, mono, page_url, shortened, shown

LOOKED_AT, KNOWN_SOURCES = 2000, 30


class SourceFilter(SimpleListFilter):
    """Who told us. What the newest thousands of answers came from is offered: to look at all would read them all."""

    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = ConsentRecord.objects.order_by("-pk").values_list("source", flat=True)[:LOOKED_AT]
        return [(source, source) for source in sorted(set(newest) - {""})[:KNOWN_SOURCES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConsentRecord]) -> QuerySet[ConsentRecord]:
        return queryset.filter(source=self.value()) if self.value() else queryset


@admin.register(ConsentRecord)
class ConsentRecordAdmin(ExportMixin, RecordAdmin):
    """Never changed and never pruned: it is the proof."""

    export_columns = ANSWERS
    list_display = ["answered", "answer", "source_shown", "required", "offer_link", "click_link", "short_page"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        SourceFilter,
        "was_required",
        ("offer", RelatedDropdownFilter),
        ("created_at", SpanFilter),
    ]
    list_filter_submit = True
    list_select_related = ["offer"]
    search_fields = ["click__id"]
    search_help_text = "Search by a whole click id."
    sortable_by: list[str] = []
    fieldsets = [
        ("The answer", {"fields": [("answer", "answered"), ("source_shown", "required")]}),
        ("Where it was given", {"fields": [("offer_link", "click_link"), "page"]}),
    ]
    empty_sentence = (
        "No visitor has answered yet. An answer is recorded when a banner or a consent tool on a page tells it; an "
        "offer's page has the calls to copy."
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ConsentRecord], search_term: str
    ) -> tuple[QuerySet[ConsentRecord], bool]:
        term = term_of(search_term)
        return (queryset.filter(by_click(term, "click")) if term else queryset), False

    answered = shown("answered (UTC)", lambda row: moment(row.created_at))
    answer = shown("answer", answer_shown)
    source_shown = shown("who told us", lambda row: row.source)
    required = shown("was it required?", lambda row: "Yes" if row.was_required else "No")
    offer_link = shown("offer", lambda row: admin_link(row.offer))
    click_link = shown("click", lambda row: link(page_url("conversions_click_change", row.click_id), row.click_id))
    page = shown("page", lambda row: mono(row.page_url))
    short_page = shown("page", lambda row: mono(shortened(row.page_url.partition("://")[2], 32)))
