from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from conversions.ad_macros import macros_left
from conversions.admin.badges import consent_badge, robot_badge
from conversions.admin.export import ExportMixin
from conversions.admin.identifiers import answer_table, identifier_table
from conversions.admin.marked import TestFilter, marked
from conversions.admin.searching import term_of
from conversions.admin.story import conversion_table
from conversions.admin.traceable import TraceMixin
from conversions.click_ids import is_click_id
from conversions.export_columns import CLICKS
from conversions.models import Click
from conversions.models.click import Robot
from offers.admin_parts import RecordAdmin, SpanFilter, admin_link, badge, moment, mono, shortened, shown

FIELDSETS = [
    ("Arrival", {"fields": [("click_id", "arrived"), ("offer_link", "sent_on_by"), ("place", "robot_shown")]}),
    ("What it led to", {"fields": ["conversions"]}),
    ("Consent", {
        "fields": [("consent_shown", "may_be_told"), ("answered", "told_by"), ("had_to_agree", "limited"), "answers"],
    }),
    ("The ad", {
        "fields": [
            "ttclid_shown", ("campaign_shown", "adgroup_shown"), ("ad_shown", "creative_shown"),
            ("placement_shown", "variant_shown"), ("utm_source_shown", "utm_medium_shown"),
            ("utm_campaign_shown", "utm_content_shown"), ("utm_term_shown", "macros_shown"),
        ],
        "description": "What the tracking link was called with. A dash means that the ad's URL did not say.",
    }),
    ("The visitor", {
        "fields": [("ip_shown", "ttp_shown"), "browser", "identifiers"],
        "description": "E-mail, phone and external id are kept as digests, which are never shown here.",
    }),
    ("Where it led", {"fields": ["landing_page", "came_from", "version"]}),
]  # fmt: skip


CAPPED = "{}, whose cap was reached"
ERASED = ("Erased", {
    "fields": ["erased_shown"],
    "description": "Somebody asked for this visitor's data to be erased. What could say who it was is gone for good, "
    "and TikTok is told nothing more.",
})  # fmt: skip


def sent_on_words(click: Click) -> SafeString | str:
    """The full offer whose tracking link led this visitor here."""
    return format_html(CAPPED, admin_link(click.capped_offer)) if click.capped_offer else ""


def may_words(click: Click) -> SafeString | str:
    """Whether TikTok may be told of this visitor, and if not, why."""
    if click.erased_at:
        return badge("No: erased", "warn")
    if click.robot:
        return badge("No: it is a robot", "warn")
    if click.has_refused:
        return badge("No: refused", "warn")
    return badge("Yes", "good") if click.has_consent else badge("Not before they agree", "busy")


def as_query(pairs: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs.items())


class TtclidFilter(SimpleListFilter):
    """Clicks with TikTok's click id, or without: those can hardly be matched to an ad."""

    title = "ttclid"
    parameter_name = "ttclid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "With ttclid"), ("no", "Without ttclid")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Click]) -> QuerySet[Click]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(ttclid="") if self.value() == "no" else queryset.exclude(ttclid="")


class RobotFilter(SimpleListFilter):
    """People, or what came instead of them."""

    title = "robots"
    parameter_name = "robots"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "Visitors only"), ("any", "Robots only"), *Robot.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Click]) -> QuerySet[Click]:
        chosen = self.value()
        if chosen in Robot.values:
            return queryset.filter(robot=chosen)
        if chosen not in ("none", "any"):
            return queryset
        return queryset.filter(robot="") if chosen == "none" else queryset.exclude(robot="")


@admin.register(Click)
class ClickAdmin(TraceMixin, ExportMixin, RecordAdmin):
    export_columns = CLICKS
    list_display = ["click_id", "arrived", "offer", "source", "campaign", "has_ttclid", "consent_shown", "robot_shown"]
    list_filter = [
        ("offer", RelatedDropdownFilter),
        ("consent", ChoicesDropdownFilter),
        TtclidFilter,
        RobotFilter,
        TestFilter,
        ("created_at", SpanFilter),
    ]
    list_filter_submit = True
    list_select_related = ["offer"]
    search_fields = ["id"]
    search_help_text = "Search by a whole click id or ttclid."
    sortable_by: list[str] = []
    fieldsets = FIELDSETS
    empty_sentence = (
        "Nobody has come yet. Copy the tracking link from an offer's page into the TikTok ad, or open it yourself to "
        "try it."
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Click], search_term: str
    ) -> tuple[QuerySet[Click], bool]:
        term = term_of(search_term)
        if not term:
            return queryset, False
        is_ours = is_click_id(term.lower())
        return (queryset.filter(pk=term.lower()) if is_ours else queryset.filter(ttclid=term)), False

    def get_fieldsets(self, request: HttpRequest, obj: Click | None = None) -> list[Any]:
        return [ERASED, *FIELDSETS] if obj and obj.erased_at else FIELDSETS

    click_id = shown("click id", lambda row: marked(row, mono(row.pk)))
    arrived = shown("arrived", lambda row: moment(row.created_at))
    source = shown("source", lambda row: shortened(" / ".join(filter(None, (row.utm_source, row.utm_medium))), 40))
    campaign = shown("campaign", lambda row: shortened(row.utm_campaign or row.campaign_id, 40))
    has_ttclid = shown("ttclid", lambda row: badge("Yes", "good") if row.ttclid else badge("No", "warn"))
    consent_shown = shown("consent", consent_badge)
    robot_shown = shown("robot", robot_badge)
    offer_link = shown("offer", lambda row: admin_link(row.offer))
    sent_on_by = shown("sent on by", sent_on_words)
    place = shown("country, region", lambda row: ", ".join(filter(None, (row.country, row.region))))
    erased_shown = shown("erased", lambda row: moment(row.erased_at))
    answered = shown("answered", lambda row: moment(row.consent_at))
    told_by = shown("who told us", lambda row: row.consent_source)
    may_be_told = shown("may TikTok be told?", may_words)
    had_to_agree = shown("had to agree first", lambda row: "Yes" if row.needs_consent else "No")
    limited = shown("limited data use", lambda row: "Yes" if row.limits_data else "No")
    answers = shown("answers", answer_table)
    identifiers = shown("identifiers", identifier_table)
    conversions = shown("conversions", lambda row: conversion_table(row.conversions.order_by("created_at")))

    ttclid_shown = shown("TikTok click id (ttclid)", lambda row: mono(row.ttclid))
    campaign_shown = shown("campaign id", lambda row: row.campaign_id)
    adgroup_shown = shown("ad group id", lambda row: row.adgroup_id)
    ad_shown = shown("ad id", lambda row: row.ad_id)
    creative_shown = shown("creative id", lambda row: row.creative_id)
    placement_shown = shown("placement", lambda row: row.placement)
    variant_shown = shown("variant", lambda row: row.variant)
    utm_source_shown = shown("UTM source", lambda row: row.utm_source)
    utm_medium_shown = shown("UTM medium", lambda row: row.utm_medium)
    utm_campaign_shown = shown("UTM campaign", lambda row: row.utm_campaign)
    utm_content_shown = shown("UTM content", lambda row: row.utm_content)
    macros_shown = shown("macros not replaced", lambda row: mono(as_query(macros_left(row.landing_url))))
    utm_term_shown = shown("UTM term", lambda row: row.utm_term)

    ip_shown = shown("IP address", lambda row: row.ip)
    ttp_shown = shown("Pixel cookie (_ttp)", lambda row: mono(row.ttp))
    browser = shown("browser", lambda row: mono(row.user_agent))
    landing_page = shown("landing page", lambda row: mono(row.landing_url))
    came_from = shown("came from", lambda row: mono(row.referrer))
    version = shown("landing version", lambda row: row.landing_version)
