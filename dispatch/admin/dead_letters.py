from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter

from dispatch import clock
from dispatch.admin.columns import DeliveryColumns, EventNameFilter
from dispatch.admin.decisions import PERMISSIONS, Question, answer
from dispatch.models import DeadLetter, Delivery
from dispatch.models.delivery import DeliveryQuerySet
from dispatch.reasons import Reason
from offers.admin_parts import badge

REASONS = [
    Reason.INVALID,
    Reason.CONTRACT,
    Reason.RETRIES_EXHAUSTED,
    Reason.OUTCOME_UNKNOWN,
    Reason.CRASH_LOOP,
    Reason.FAILED,
    Reason.TOO_OLD,
    Reason.NO_MATCH_KEY,
]
LIST = "admin:dispatch_deadletter_changelist"


class ReasonFilter(DropdownFilter):  # type: ignore[misc]
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(reason.value, reason.label) for reason in REASONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


@require_http_methods(["GET", "POST"])
def decide_all(request: HttpRequest, model_admin: Any, reason: str, verb: str) -> HttpResponse:
    """Every dead letter of one reason."""
    if reason not in REASONS or verb not in PERMISSIONS:
        raise Http404
    rows = Delivery.objects.undecided_because(reason)
    question = Question(verb, rows, f"All dead letters with the reason “{Reason(reason).label}”", reverse(LIST))
    return answer(request, question, model_admin)


@require_http_methods(["GET", "POST"])
def decide_one(request: HttpRequest, model_admin: Any, delivery_id: int, verb: str) -> HttpResponse:
    delivery = Delivery.objects.filter(pk=delivery_id).select_related("pixel").first()
    if delivery is None or verb not in PERMISSIONS:
        raise Http404
    question = Question(verb, Delivery.objects.filter(pk=delivery_id), str(delivery), reverse(LIST))
    return answer(request, question, model_admin)


@admin.register(DeadLetter)
class DeadLetterAdmin(DeliveryColumns):
    """What automation gave up on: why, what TikTok said, what to do about it, and the doing of it."""

    list_display = ["short_event", "reason_badge", "said_and_advice", "pixel_name", "attempts", "age"]
    list_filter = [
        ReasonFilter,
        ("pixel", RelatedDropdownFilter),
        ("conversion__offer", RelatedDropdownFilter),
        ("conversion__offer__network", RelatedDropdownFilter),
        EventNameFilter,
    ]
    empty_sentence = "No dead letters: TikTok took everything, or it is still being tried."
    list_before_template = "admin/dispatch/dead_letter_reasons.html"
    actions = ["requeue_selected", "discard_selected"]
    custom_urls = (
        ("all/<str:reason>/<str:verb>/", "dispatch_deadletter_all", decide_all),
        ("one/<int:delivery_id>/<str:verb>/", "dispatch_deadletter_one", decide_one),
    )
    fieldsets = [
        ("The event", {"fields": [("event_name", "event_id"), ("conversion_link", "click_link"), "pixel_link"]}),
        (
            "How it went",
            {
                "fields": [
                    ("planned", "first_sent"),
                    ("attempts", "claims"),
                    "certainty",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> DeliveryQuerySet:
        """Two index scans instead of one condition with OR, for which the whole table would be read."""
        dead = Delivery.objects.dead().order_by().values("pk")
        held = Delivery.objects.undecided_because(Reason.OUTCOME_UNKNOWN).order_by().values("pk")
        rows: DeliveryQuerySet = super().get_queryset(request).filter(pk__in=dead.union(held, all=True), is_test=False)
        return rows

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSIONS["requeue"])

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSIONS["discard"])

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        counts = Delivery.objects.undecided_counts()
        reasons = [{"reason": Reason(reason), "count": count} for reason, count in counts.items() if reason]
        context = {**(extra_context or {}), "reasons": reasons, **self.powers(request)}
        return super().changelist_view(request, context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        context.update(self.powers(request))
        return super().render_change_form(request, context, **kwargs)

    def powers(self, request: HttpRequest) -> dict[str, bool]:
        may_requeue, may_discard = self.has_requeue_permission(request), self.has_discard_permission(request)
        return {"may_requeue": may_requeue, "may_discard": may_discard}

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """One row, one history, whatever state it is in."""
        return redirect("admin:dispatch_delivery_history", object_id)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """A letter that is dead no more is still a delivery."""
        return redirect("admin:dispatch_delivery_change", object_id)

    @admin.action(description="Send the selected dead letters again …", permissions=["requeue"])
    def requeue_selected(self, request: HttpRequest, queryset: DeliveryQuerySet) -> HttpResponse:
        return self.decide_selected(request, "requeue", queryset)

    @admin.action(description="Discard the selected dead letters …", permissions=["discard"])
    def discard_selected(self, request: HttpRequest, queryset: DeliveryQuerySet) -> HttpResponse:
        return self.decide_selected(request, "discard", queryset)

    def decide_selected(self, request: HttpRequest, verb: str, queryset: DeliveryQuerySet) -> HttpResponse:
        selected = [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
        across = request.POST.get("select_across", "0")
        hidden = [("action", f"{verb}_selected"), ("select_across", across), *selected]
        question = Question(verb, queryset, "The selected dead letters", request.get_full_path(), hidden)
        return answer(request, question, self)

    @admin.display(description="reason")
    def reason_badge(self, letter: DeadLetter) -> SafeString:
        tone = "warn" if letter.could_double(clock.now()) else "bad"
        return badge(letter.get_reason_display() or "No reason on record", tone)

    @admin.display(description="event")
    def short_event(self, letter: DeadLetter) -> SafeString:
        short = str(letter.event_id)[:8]
        return format_html('{}<br><span class="code" title="{}">{}…</span>', letter.event_name, letter.event_id, short)

    @admin.display(description="what to do")
    def said_and_advice(self, letter: DeadLetter) -> SafeString:
        return format_html(
            '<div class="said"><span class="text-important">{}</span><div class="text-xs">{}</div></div>',
            letter.detail or "–",
            letter.advice,
        )
