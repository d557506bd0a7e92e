from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from conversions.admin.export import ExportMixin
from conversions.admin.marked import TestFilter
from dispatch import clock, waiting
from dispatch.admin.columns import DeliveryColumns, EventNameFilter
from dispatch.admin.figure_filters import DeliveryFigureFilter, FiguredMixin
from dispatch.admin.trace import trace_page
from dispatch.export_columns import DELIVERIES
from dispatch.models import Delivery
from offers.admin_parts import RecordList, SpanFilter, shown


class DeliveryList(RecordList):
    """A list whose rows know why they wait, all at the same moment."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        reasons = waiting.reasons_of(self.result_list, clock.now())
        for delivery in self.result_list:
            delivery.reasons_to_wait = reasons[delivery.pk]


@admin.register(Delivery)
class DeliveryAdmin(FiguredMixin, ExportMixin, DeliveryColumns):
    """Every promise to tell TikTok something, and how it went."""

    export_columns = DELIVERIES
    custom_urls = (("trace/", "dispatch_trace", trace_page),)

    list_display = [
        "event",
        "status_badge",
        "why",
        "pixel_name",
        "attempts",
        "next_attempt",
        "accepted",
    ]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("reason", ChoicesDropdownFilter),
        ("pixel", RelatedDropdownFilter),
        EventNameFilter,
        TestFilter,
        ("conversion__offer", RelatedDropdownFilter),
        ("conversion__offer__network", RelatedDropdownFilter),
        ("conversion__created_at", SpanFilter),
        DeliveryFigureFilter,
    ]
    empty_sentence = "Nothing is to be sent yet. Deliveries appear when a conversion is recorded."
    fieldsets = [
        ("The event", {"fields": [("event_name", "event_id"), ("conversion_link", "click_link"), "pixel_link"]}),
        (
            "Where it stands",
            {
                "fields": [
                    ("status_badge", "reason_text"),
                    "detail",
                    "value_shown",
                    "converted_shown",
                    ("planned", "next_attempt"),
                    ("first_sent", "accepted"),
                    ("attempts", "claims"),
                    "certainty",
                ]
            },
        ),
        ("Decided by a person", {"fields": ["decision", ("decider", "decided")]}),
    ]

    value_shown = shown("value", lambda row: row.value_in_words)
    converted_shown = shown("converted", lambda row: row.conversion_of_money)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DeliveryList]:
        return DeliveryList

    @admin.display(description="why it waits")
    def why(self, delivery: Any) -> str:
        """Or, when it does not wait, why it was not sent."""
        titles = [reason.title for reason in delivery.reasons_to_wait]
        return " · ".join(titles) or delivery.get_reason_display() or "–"
