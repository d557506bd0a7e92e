from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter

from conversions.admin.badges import consent_badge, money, robot_badge, status_badge, told_badges
from conversions.admin.coverage import coverage_page, coverage_url
from conversions.admin.export import ExportMixin
from conversions.admin.identifiers import identifier_table, pixel_leg, said_table
from conversions.admin.marked import TestFilter, marked
from conversions.admin.searching import by_click, by_event, by_transaction, term_of
from conversions.admin.story import beside_note, beside_table, ledger_table, postback_table, told, value_cell
from conversions.admin.traceable import TraceMixin
from conversions.export_columns import CONVERSIONS
from conversions.models import Conversion
from offers.admin_parts import RecordAdmin, SpanFilter, admin_link, link, moment, mono, page_url, shortened, shown
from offers.vocabulary import StandardEvent

FIELDSETS = [
    ("Summary", {
        "fields": [
            ("event_shown", "status_shown"), ("sold", "network_event_shown"), ("payout_shown", "amount_shown"),
            ("offer_link", "pixel_link"),
            ("whole_transaction", "event_id_shown"), ("happened", "recorded"),
        ],
    }),
    ("What the page said", {
        "fields": ["page_value_shown", "said", "page"],
        "description": "What the page told first stands. Both legs tell it, and its value only where the event rule "
        "takes none from the network and has no fixed one.",
    }),
    ("The click behind it", {
        "fields": [
            ("click_link", "arrived"), ("consent", "robot"), ("ttclid", "ip"), ("campaign", "ad"), "browser",
            "identifiers",
        ],
    }),
]  # fmt: skip


class EventFilter(DropdownFilter):  # type: ignore[misc]
    """The standard events; asking the table which names it holds would read all of it."""

    title = "event"
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in StandardEvent.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversion]) -> QuerySet[Conversion]:
        return queryset.filter(event_name=self.value()) if self.value() else queryset


@admin.register(Conversion)
class ConversionAdmin(TraceMixin, ExportMixin, RecordAdmin):
    export_columns = CONVERSIONS
    list_display = [
        "event_shown", "status_shown", "told", "value", "offer_link", "click_link", "transaction", "happened",
    ]  # fmt: skip
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        EventFilter,
        ("offer", RelatedDropdownFilter),
        TestFilter,
        ("created_at", SpanFilter),
    ]
    list_filter_submit = True
    list_select_related = ["offer"]
    search_fields = ["event_id"]
    search_help_text = "Search by a whole event_id, click id or transaction id."
    sortable_by: list[str] = []
    fieldsets = FIELDSETS
    empty_sentence = (
        "There are no conversions yet. They appear when a page calls an event or the network's postback comes in: an "
        "offer's page has the snippet and the postback URL to copy."
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(lambda request: coverage_page(request, self))
        return [path("coverage/", view, name="conversions_conversion_coverage"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        link = coverage_url(request.GET.get("offer__id__exact", ""))
        return super().changelist_view(request, {**(extra_context or {}), "coverage_link": link})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversion]:
        rows: QuerySet[Conversion] = super().get_queryset(request)
        return rows.prefetch_related("deliveries")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversion], search_term: str
    ) -> tuple[QuerySet[Conversion], bool]:
        term = term_of(search_term)
        found = by_event(term) | by_click(term, "click_id") | by_transaction(term)
        return (queryset.filter(found) if term else queryset), False

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        conversion: Conversion = kwargs["obj"]
        entries = conversion.ledger_entries.select_related("postback").order_by("pk")
        context["pixel_leg"] = pixel_leg(conversion)
        context["told"] = told(conversion)
        context["undecided"] = told_badges(conversion, [])
        context["ledger"] = ledger_table(entries)
        tellings = list(conversion.enrichments.select_related("postback").order_by("told_at", "pk"))
        if tellings:
            context["beside"] = beside_table(conversion, tellings)
            context["beside_note"] = beside_note(conversion, tellings, conversion.deliveries.all())
        context["postbacks"] = postback_table(conversion, was_called=bool(entries))
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    event_shown = shown("event", lambda row: marked(row, row.event_name))
    status_shown = shown("status", status_badge)
    told = shown("TikTok", lambda row: told_badges(row, row.deliveries.all()))
    value = shown("value", value_cell)
    payout_shown = shown("payout", lambda row: money(row.payout, row.currency))
    amount_shown = shown("sale amount", lambda row: money(row.amount, row.currency))
    offer_link = shown("offer", lambda row: admin_link(row.offer))
    pixel_link = shown("pixel", lambda row: admin_link(row.offer.pixel))
    click_link = shown("click", lambda row: link(page_url("conversions_click_change", row.click_id), row.click_id))
    transaction = shown("transaction", lambda row: mono(shortened(row.transaction_id, 24)))
    whole_transaction = shown("transaction id", lambda row: mono(row.transaction_id))
    sold = shown("what was sold", lambda row: "" if row.status == row.Status.TRACKED else row.get_kind_display())
    network_event_shown = shown("network event", lambda row: row.network_event)
    happened = shown("happened", lambda row: moment(row.occurred_at))
    recorded = shown("recorded", lambda row: moment(row.created_at))
    event_id_shown = shown("event id (event_id)", lambda row: mono(row.event_id))
    page_value_shown = shown("value the page gave", lambda row: money(row.page_value, row.page_currency))
    said = shown("properties", said_table)
    identifiers = shown("identifiers", lambda row: identifier_table(row.click, row))
    robot = shown("robot", lambda row: robot_badge(row.click))
    page = shown("page", lambda row: mono(row.page_url))

    arrived = shown("arrived", lambda row: moment(row.click.created_at))
    consent = shown("consent", lambda row: consent_badge(row.click))
    ttclid = shown("TikTok click id (ttclid)", lambda row: mono(shortened(row.click.ttclid)))
    campaign = shown("campaign", lambda row: row.click.campaign_id or row.click.utm_campaign)
    ad = shown("ad", lambda row: row.click.ad_id)
    ip = shown("IP address", lambda row: row.click.ip)
    browser = shown("browser", lambda row: mono(row.click.user_agent))
