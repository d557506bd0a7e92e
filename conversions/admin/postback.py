from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RelatedDropdownFilter

from conversions.admin.badges import outcome_badge
from conversions.admin.inbox import (
    TIME,
    InboxList,
    OfferFilter,
    OutcomeFilter,
    click_and_transaction,
    is_by_time,
    network_and_offer,
    sent_of,
    strip_of,
)
from conversions.admin.inbox_attach import attach_one
from conversions.admin.inbox_page import fieldsets_of, page_context, signature_words
from conversions.admin.inbox_replay import AT_ONCE, may_replay, replay_one, replay_reason, replay_selected
from conversions.admin.inbox_time import ReceivedFilter
from conversions.admin.marked import TestFilter, marked
from conversions.admin.searching import by_click, by_transaction, term_of
from conversions.admin.traceable import TraceMixin
from conversions.admin.unmapped import may_map, unmapped_page
from conversions.models import Postback
from conversions.outcomes import UNREADABLE, Outcome
from conversions.replaying import How
from offers.admin_parts import RecordAdmin, admin_link, moment, mono, shortened, shown, table


@admin.register(Postback)
class PostbackAdmin(TraceMixin, RecordAdmin):
    """The inbox: every call of a network, what it led to, and what a person can do about it."""

    list_display = ["received", "outcome_shown", "whose", "ids", "word", "reason"]
    list_filter = [
        OutcomeFilter,
        ("network", RelatedDropdownFilter),
        OfferFilter,
        TestFilter,
        ("received_at", ReceivedFilter),
    ]
    list_filter_submit = True
    list_select_related = ["network", "conversion__offer"]
    list_before_template = "admin/conversions/postback/strip.html"
    search_fields = ["transaction_id"]
    search_help_text = "Search by a whole click id or transaction id."
    sortable_by: list[str] = []
    actions = ["digest_again", "digest_without_macros"]
    empty_sentence = (
        "No network has called yet. Paste the postback URL, which an offer's page has ready to copy, at your network "
        "and let it send a test."
    )

    def get_urls(self) -> list[URLPattern]:
        def view(page: Any) -> Any:
            return self.admin_site.admin_view(lambda request, **named: page(request, self, **named))

        own = [
            path("unmapped/", view(unmapped_page), name="conversions_postback_unmapped"),
            path("replay/<str:outcome>/", view(replay_reason), name="conversions_postback_replay_reason"),
            path("<int:key>/replay/", view(replay_one), name="conversions_postback_replay"),
            path("<int:key>/attach/", view(attach_one), name="conversions_postback_attach"),
        ]
        return [*own, *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Postback | None = None) -> Any:
        return fieldsets_of(obj) if obj else []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[InboxList]:
        return InboxList

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        """By arrival where an index knows it: its order spares sorting, and going through all that came after."""
        return [f"-{TIME}", "-pk"] if is_by_time(request) else super().get_ordering(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        own = {"strip": strip_of(request), "may_replay": may_replay(request), "may_map": may_map(request)}
        return super().changelist_view(request, {**(extra_context or {}), **own, "unreadable": UNREADABLE})

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        context.update(page_context(request, kwargs["obj"]))
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Postback], search_term: str
    ) -> tuple[QuerySet[Postback], bool]:
        term = term_of(search_term)
        found = Q(click_ref=term[:100].lower()) | by_click(term, "conversion__click_id") | by_transaction(term)
        return (queryset.filter(found) if term else queryset), False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return may_replay(request)

    @admin.action(description="Digest the selected postbacks again", permissions=["replay"])
    def digest_again(self, request: HttpRequest, queryset: QuerySet[Postback]) -> None:
        replay_selected(request, keys_of(queryset), How.AS_SENT)

    @admin.action(description="Digest the selected ones without macros that were not replaced", permissions=["replay"])
    def digest_without_macros(self, request: HttpRequest, queryset: QuerySet[Postback]) -> None:
        replay_selected(request, keys_of(queryset), How.WITHOUT_MACROS)

    received = shown("received", lambda row: moment(row.received_at))
    outcome_shown = shown("outcome", lambda row: marked(row, outcome_badge(row)))
    whose = shown("network, offer", network_and_offer)
    ids = shown("click id, transaction", click_and_transaction)
    whole_click_id = shown("click id", lambda row: mono(sent_of(row).click_id))
    whole_transaction = shown("transaction", lambda row: mono(sent_of(row).transaction_id))
    word = shown("status sent", lambda row: shortened(row.sent.status, 24))
    whole_word = shown("status sent", lambda row: sent_of(row).status)
    reason = shown("detail", lambda row: shortened(row.detail, 120))
    whole_detail = shown("detail", lambda row: row.detail)
    advice = shown("what to do", lambda row: Outcome(row.outcome).advice)
    signature = shown("signature", signature_words)
    attached = shown("attached by hand to", lambda row: mono(row.attached_to))
    left_out = shown("read without macros", lambda row: "Yes, by somebody's choice")
    next_try = shown("next try", lambda row: moment(row.due_at))
    digested = shown("digested", lambda row: moment(row.digested_at))
    network_link = shown("network", lambda row: admin_link(row.network))
    caller = shown("from address", lambda row: row.remote_ip)
    body = shown("the call's beginning", lambda row: mono(row.raw_call))

    @admin.display(description="parameters")
    def parameters(self, postback: Postback) -> SafeString:
        rows = [[mono(name), mono(value)] for name, value in postback.params.items()]
        return table(["Parameter", "Value"], rows, "It had no parameters that could be read.")


def keys_of(queryset: QuerySet[Postback]) -> list[int]:
    """The oldest of the selected, one more than are taken at once."""
    return list(queryset.order_by("pk").values_list("pk", flat=True)[: AT_ONCE + 1])
