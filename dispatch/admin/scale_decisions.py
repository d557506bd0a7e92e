"""Decisions on spend: the history of each offer, the reasons of one, and the badge that offers carry."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from dispatch.admin.runbook import see_and_do
from dispatch.admin.screens import when
from dispatch.models import ScaleDecision
from dispatch.scaling.deciding import decision_of
from offers.admin_parts import RecordAdmin, SpanFilter, admin_link, badge, moment, table
from offers.models import Offer

MAY_VIEW = "dispatch.view_scaledecision"
Verdict = ScaleDecision.Verdict
TONES = {Verdict.HOLD: "bad", Verdict.WATCH: "warn", Verdict.RAISE: "good"}
HEADERS = ["Asks for", "Reason", "Is", "Should be", ""]
NO_REASONS = "Nothing is known yet."


def verdict_badge(verdict: str) -> SafeString:
    return badge(str(Verdict(verdict).label), TONES[Verdict(verdict)])


def reasons_table(reasons: Iterable[dict[str, Any]]) -> SafeString:
    """Every reason with its sentence, the gravest first."""
    return table(HEADERS, map(reason_row, reasons), NO_REASONS)


def reason_row(reason: dict[str, Any]) -> list[Any]:
    what = format_html("<div><b>{}</b><br>{}</div>", reason["title"], reason["words"])
    is_so, wanted = (unbroken(reason[name]) for name in ("value", "target"))
    return [verdict_badge(reason["speaks"]), what, is_so, wanted, see_and_do(reason["link"], reason["code"])]


def unbroken(text: str) -> SafeString:
    return format_html('<span class="unbroken">{}</span>', text or "–")


def history_url(offer: Offer) -> str:
    return reverse("admin:dispatch_scaledecision_changelist", query={"offer__id__exact": offer.pk})


def spend_of(offer: Offer, request: HttpRequest) -> dict[str, Any]:
    """What the offer's page says of its present decision; nothing to whoever may not see it."""
    if not request.user.has_perm(MAY_VIEW):
        return {}
    decision = decision_of([offer.pk]).get(offer.pk)
    shown = {
        "badge": verdict_badge(decision.verdict),
        "since": moment(decision.decided_at),
        "confirmed": moment(decision.looked_at),
        "clean_since": moment(decision.clean_since) if decision.clean_since else "",
        "reasons": reasons_table(decision.reasons),
    } if decision else None  # fmt: skip
    return {"spend": shown, "spend_history_url": history_url(offer), "spend_is_shown": True}


@admin.register(ScaleDecision)
class ScaleDecisionAdmin(RecordAdmin):
    """One row from when it was decided to when another one took its place."""

    class Media:
        css = {"all": ["dispatch/admin.css"]}

    decided = when("decided_at", "since")
    confirmed = when("looked_at", "last confirmed")
    clean = when("clean_since", "clean since")

    list_display = ["offer_link", "verdict_shown", "why", "decided", "confirmed"]
    list_display_links = ["verdict_shown"]
    list_filter = [
        ("offer", RelatedDropdownFilter),
        ("verdict", ChoicesDropdownFilter),
        ("decided_at", SpanFilter),
    ]
    list_filter_submit = True
    list_select_related = ["offer"]
    sortable_by: list[str] = []
    empty_sentence = (
        "Nothing was decided yet. The workers decide on each active offer within a minute: Hold, Watch or Raise, with "
        "the reasons."
    )
    fieldsets = [
        (None, {"fields": ["offer_link", "verdict_shown", ("decided", "confirmed"), "clean"]}),
        ("Reasons, with the figures of when it was last confirmed", {"fields": ["reasons_shown"]}),
    ]

    @admin.display(description="offer")
    def offer_link(self, decision: ScaleDecision) -> str | SafeString:
        return admin_link(decision.offer)

    @admin.display(description="spend")
    def verdict_shown(self, decision: ScaleDecision) -> SafeString:
        return verdict_badge(decision.verdict)

    @admin.display(description="why")
    def why(self, decision: ScaleDecision) -> str:
        """What asks for this verdict."""
        return " · ".join(reason["title"] for reason in decision.reasons if reason["speaks"] == decision.verdict) or "–"

    @admin.display(description="reasons")
    def reasons_shown(self, decision: ScaleDecision) -> SafeString:
        return reasons_table(decision.reasons)
