"""What was found wrong and when, who was told, and the runbook that says what to do."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from dispatch import clock
from dispatch.admin.runbook import runbook, see_and_do
from dispatch.admin.screens import when
from dispatch.alerts.wording import span
from dispatch.findings.finding import Code, Scope
from dispatch.models import Alert, AlertChannel
from offers.admin_parts import RecordAdmin, SpanFilter, badge, moment, table

NOBODY_IS_TOLD = "Nobody is told of anything yet: add a channel."
TONES = {"bad": "Stops money", "warn": "Look at it"}
MOST_MESSAGES = 20


class StateFilter(DropdownFilter):  # type: ignore[misc]
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Still so"), ("ended", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        wanted = {"open": True, "ended": False}.get(self.value())
        return queryset if wanted is None else queryset.filter(ended_at__isnull=wanted)


class CodeFilter(DropdownFilter):  # type: ignore[misc]
    title = "what"
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Code.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(code=self.value()) if self.value() else queryset


class ToneFilter(DropdownFilter):  # type: ignore[misc]
    title = "how bad"
    parameter_name = "tone"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(TONES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        return queryset.filter(tone=self.value()) if self.value() else queryset


@admin.register(Alert)
class AlertAdmin(RecordAdmin):
    class Media:
        css = {"all": ["dispatch/admin.css"]}

    began = when("began_at", "began")
    ended = when("ended_at", "over")
    told = when("told_at", "last told")
    end_told = when("end_told_at", "end told")
    last_found = when("seen_at", "last found")

    list_display = ["what", "state_badge", "began", "lasted", "told", "to_do"]
    list_filter = [StateFilter, CodeFilter, ToneFilter, ("began_at", SpanFilter)]
    list_filter_submit = True
    sortable_by: list[str] = []
    list_before_template = "admin/dispatch/alerts_before.html"
    empty_sentence = "Nothing has been wrong for so long that anybody had to be told."
    custom_urls = (
        ("runbook/", "dispatch_runbook", runbook),
        ("runbook/<slug:name>.md", "dispatch_docs", runbook),
    )
    fieldsets = [
        (None, {"fields": ["title", "state_badge", "words", "to_do"]}),
        ("When", {"fields": [("began", "last_found"), ("ended", "lasted"), ("told", "end_told")]}),
        ("Messages", {"fields": ["messages_sent"]}),
    ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        has_channel = AlertChannel.objects.filter(is_active=True).exists()
        extra = {"nobody_is_told": "" if has_channel else NOBODY_IS_TOLD, **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, extra)
        return response

    @admin.display(description="what")
    def what(self, alert: Alert) -> SafeString:
        about = "The site" if alert.scope == Scope.SITE else f"{Scope(alert.scope).label} {alert.subject}"
        return format_html('{}<br><span class="text-xs">{}</span>', alert.title, about)

    @admin.display(description="state")
    def state_badge(self, alert: Alert) -> SafeString:
        if alert.ended_at:
            return badge("Over", "good")
        return badge(TONES[alert.tone], alert.tone)

    @admin.display(description="lasted")
    def lasted(self, alert: Alert) -> str:
        time: timedelta = (alert.ended_at or clock.now()) - alert.began_at
        return span(time) if alert.ended_at else f"{span(time)} so far"

    @admin.display(description="what to do")
    def to_do(self, alert: Alert) -> SafeString:
        return see_and_do("" if alert.ended_at else alert.link, alert.code)

    @admin.display(description="told in")
    def messages_sent(self, alert: Alert) -> SafeString:
        rows = alert.messages.select_related("channel")[:MOST_MESSAGES]
        shown = [[moment(row.created_at), row.channel.name, row.subject, delivered(row)] for row in rows]
        return table(["Written (UTC)", "Channel", "Subject", "Delivered"], shown, "It has been told to nobody.")


def delivered(message: Any) -> SafeString:
    """Whether a message has arrived, and else why not."""
    if message.sent_at:
        return badge(f"Delivered {moment(message.sent_at)}", "good")
    if message.due_at:
        return format_html(
            "<span>{} {}</span>", badge("On its way" if not message.error else "Tried again", "warn"), message.error
        )
    return format_html("<span>{} {}</span>", badge("Given up", "bad"), message.error)
