"""What the lists of deliveries and of dead letters share: columns, filters, search, attempts."""

import json
import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from unfold.contrib.filters.admin import DropdownFilter

from conversions.admin.marked import marked
from conversions.admin.traceable import TraceMixin
from conversions.click_ids import is_click_id
from conversions.models import Conversion
from dispatch import clock, waiting
from dispatch.admin.screens import when, who
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.tiktok.codes import Verdict, meaning_of
from offers.admin_parts import RecordAdmin, admin_link, badge, moment
from offers.models import EventRule

MOST_ATTEMPTS_SHOWN = 50
STATUS_TONES = {
    "waiting": "busy",
    "leased": "busy",
    "accepted": "good",
    "held": "warn",
    "suppressed": "calm",
    "dead": "bad",
    "discarded": "calm",
}
VERDICT_TONES = {
    Verdict.ACCEPTED: "good",
    Verdict.THROTTLED: "warn",
    Verdict.AUTH: "bad",
    Verdict.INVALID: "bad",
    Verdict.TRANSIENT: "warn",
    Verdict.UNKNOWN: "warn",
}


def search(queryset: QuerySet[Delivery], term: str) -> QuerySet[Delivery]:
    """Deliveries by a complete event_id or click id, found by an index; nothing for any other text."""
    term = term.strip()
    if is_click_id(term):
        return queryset.filter(conversion__in=Conversion.objects.filter(click=term).values("pk"))
    try:
        told = Conversion.objects.filter(event_id=uuid.UUID(term)).values("pk")
    except ValueError:
        return queryset.none()
    return queryset.filter(conversion__in=told)


def attempts_of(delivery: Delivery) -> list[dict[str, Any]]:
    """The last attempts with everything a page shows of them, newest first."""
    rows = DeliveryAttempt.objects.filter(delivery=delivery.pk).select_related("credential__pixel")
    return [
        {
            "row": row,
            "badge": badge(row.get_verdict_display(), VERDICT_TONES[Verdict(row.verdict)]),
            "meaning": meaning_of(row.code),
            "payload": json.dumps(row.payload, indent=2, ensure_ascii=False),
        }
        for row in rows[:MOST_ATTEMPTS_SHOWN]
    ]


class EventNameFilter(DropdownFilter):  # type: ignore[misc]
    title = "event"
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The names that rules send: a handful of rows, where asking the deliveries would read them all."""
        names = EventRule.objects.order_by("event_name").values_list("event_name", flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(event_name=self.value()) if self.value() else queryset


class DeliveryColumns(TraceMixin, RecordAdmin):
    """The common half of both admins."""

    class Media:
        css = {"all": ["dispatch/admin.css"]}

    planned = when("created_at", "planned")
    first_sent = when("first_sent_at", "first sent")
    accepted = when("accepted_at", "accepted")
    decided = when("decided_at", "decided")
    decider = who("decided_by", "decided by")

    list_select_related = ["pixel"]
    list_filter_submit = True
    sortable_by: list[str] = []
    search_fields = ["event_id"]
    search_help_text = "A complete event_id or click id."
    change_form_outer_before_template = "admin/dispatch/delivery_summary.html"
    change_form_outer_after_template = "admin/dispatch/delivery_attempts.html"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        return (search(queryset, search_term), False) if search_term else (queryset, False)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        delivery: Delivery | None = kwargs.get("obj")
        if delivery:
            context["attempts"] = attempts_of(delivery)
            now = clock.now()
            context["could_double"] = delivery.could_double(now)
            reasons = waiting.reasons_of([delivery], now)[delivery.pk]
            context["reasons_to_wait"] = [(badge(reason.title, reason.tone), reason.words) for reason in reasons]
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    @admin.display(description="event")
    def event(self, delivery: Delivery) -> SafeString:
        return format_html('{}<br><span class="code">{}</span>', delivery.event_name, delivery.event_id)

    @admin.display(description="status")
    def status_badge(self, delivery: Delivery) -> SafeString:
        return marked(delivery, badge(delivery.get_status_display(), STATUS_TONES[delivery.status]))

    @admin.display(description="reason")
    def reason_text(self, delivery: Delivery) -> str:
        return delivery.get_reason_display() or "–"

    @admin.display(description="next attempt (UTC)")
    def next_attempt(self, delivery: Delivery) -> str:
        """Of those that wait; for all others it is a thing of the past."""
        return moment(delivery.next_attempt_at if delivery.status == Delivery.Status.WAITING else None)

    @admin.display(description="pixel")
    def pixel_name(self, delivery: Delivery) -> SafeString:
        return format_html('<span class="whitespace-nowrap">{}</span>', delivery.pixel.name)

    @admin.display(description="pixel")
    def pixel_link(self, delivery: Delivery) -> str | SafeString:
        return admin_link(delivery.pixel)

    @admin.display(description="conversion")
    def conversion_link(self, delivery: Delivery) -> str | SafeString:
        return admin_link(delivery.conversion)

    @admin.display(description="click")
    def click_link(self, delivery: Delivery) -> str | SafeString:
        return admin_link(delivery.conversion.click)

    @admin.display(description="may be there already")
    def certainty(self, delivery: Delivery) -> str:
        return "Yes: an earlier try got no clear answer." if delivery.maybe_accepted else "No"

    @admin.display(description="age")
    def age(self, delivery: Delivery) -> str:
        return timesince(delivery.created_at).partition(",")[0]
