from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from conversions import clock
from conversions.admin.badges import outcome_badge
from conversions.admin.searching import by_click, by_transaction, term_of
from conversions.models import Postback
from conversions.outcomes import Outcome
from conversions.replaying import replay
from conversions.wake import DIGEST, enqueue
from offers.admin_parts import RecordAdmin, SpanFilter, admin_link, moment, mono, shortened, shown, table

FIELDSETS = [
    ("What became of it", {
        "fields": ["outcome_shown", "whole_detail", "advice", "conversion_link", ("tries", "next_try"), "digested"],
    }),
    ("What the network sent", {
        "fields": [
            ("network", "received"), ("caller", "method"), ("whole_click_id", "whole_transaction"), "parameters",
            "body",
        ],
        "description": "E-mail addresses and phone numbers are hidden; only their hashes are kept.",
    }),
]  # fmt: skip
REPLAYED_AT_ONCE = 5000


@admin.register(Postback)
class PostbackAdmin(RecordAdmin):
    list_display = ["received", "outcome_shown", "network", "click_id_sent", "transaction_shown", "reason"]
    list_filter = [
        ("outcome", ChoicesDropdownFilter),
        ("network", RelatedDropdownFilter),
        ("received_at", SpanFilter),
    ]
    list_filter_submit = True
    list_select_related = ["network"]
    search_fields = ["transaction_id"]
    search_help_text = "Search by a whole click id or transaction id."
    sortable_by: list[str] = []
    fieldsets = FIELDSETS
    actions = ["digest_again"]
    empty_sentence = (
        "No network has called yet. Paste the postback URL, which an offer's page has ready to copy, at your network "
        "and let it send a test."
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Postback], search_term: str
    ) -> tuple[QuerySet[Postback], bool]:
        term = term_of(search_term)
        found = Q(click_ref=term[:100].lower()) | by_click(term, "conversion__click_id") | by_transaction(term)
        return (queryset.filter(found) if term else queryset), False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversions.replay_postback")

    @admin.action(description="Digest the selected postbacks again", permissions=["replay"])
    def digest_again(self, request: HttpRequest, queryset: QuerySet[Postback]) -> None:
        keys = list(queryset.order_by("pk").values_list("pk", flat=True)[: REPLAYED_AT_ONCE + 1])
        count = replay(keys[:REPLAYED_AT_ONCE], clock.now())
        enqueue(DIGEST)
        words = f"{count} are digested again. Facts that are in the ledger already do not count twice."
        self.message_user(request, words.replace("1 are", "1 is") if count == 1 else words, messages.SUCCESS)
        if count < len(keys[:REPLAYED_AT_ONCE]):
            words = "Calls that could not be read when they came stay as they are; the network has to send them again."
            self.message_user(request, words, messages.WARNING)
        if len(keys) > REPLAYED_AT_ONCE:
            words = f"That were the {REPLAYED_AT_ONCE:,} oldest of them. Select the rest and repeat."
            self.message_user(request, words, messages.WARNING)

    received = shown("received", lambda row: moment(row.received_at))
    outcome_shown = shown("outcome", outcome_badge)
    click_id_sent = shown("click id sent", lambda row: mono(shortened(row.click_ref, 30)))
    whole_click_id = shown("click id sent", lambda row: mono(row.click_ref))
    transaction_shown = shown("transaction", lambda row: mono(shortened(row.transaction_id, 24)))
    whole_transaction = shown("transaction", lambda row: mono(row.transaction_id))
    reason = shown("detail", lambda row: shortened(row.detail, 120))
    whole_detail = shown("detail", lambda row: row.detail)
    advice = shown("what to do", lambda row: Outcome(row.outcome).advice)
    conversion_link = shown("conversion", lambda row: admin_link(row.conversion))
    next_try = shown("next try", lambda row: moment(row.due_at))
    digested = shown("digested", lambda row: moment(row.digested_at))
    caller = shown("from address", lambda row: row.remote_ip)
    body = shown("unreadable call", lambda row: mono(row.raw_call))

    @admin.display(description="parameters")
    def parameters(self, postback: Postback) -> SafeString:
        rows = [[mono(name), mono(value)] for name, value in postback.params.items()]
        return table(["Parameter", "Value"], rows, "It had no parameters.")
