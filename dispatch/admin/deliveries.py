from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from dispatch.admin.columns import DeliveryColumns, EventNameFilter
from dispatch.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(DeliveryColumns):
    """Every promise to tell TikTok something, and how it went."""

    list_display = [
        "event",
        "status_badge",
        "reason_text",
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
                    ("planned", "next_attempt"),
                    ("first_sent", "accepted"),
                    ("attempts", "claims"),
                    "certainty",
                ]
            },
        ),
        ("Decided by a person", {"fields": ["decision", ("decider", "decided")]}),
    ]
