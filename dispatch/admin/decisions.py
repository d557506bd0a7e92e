"""Deciding on dead letters: asked once more with exact counts, done by UPDATEs, recorded with the name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from conversions.wake import enqueue
from dispatch import clock
from dispatch.admin import history
from dispatch.admin.screens import show
from dispatch.forms import DiscardForm
from dispatch.models.delivery import DEDUP_WINDOW, DeliveryQuerySet
from dispatch.tasks import DELIVER

SENT_PER_SECOND = 50
SMALL_ENOUGH = 100
PERMISSIONS = {"requeue": "dispatch.requeue_deadletter", "discard": "dispatch.discard_deadletter"}


@dataclass(frozen=True)
class Question:
    """What a person is asked before dead letters are sent again or given up."""

    verb: str
    rows: DeliveryQuerySet
    about: str
    back: str
    hidden: list[tuple[str, str]] = field(default_factory=list)


def answer(request: HttpRequest, question: Question, model_admin: Any) -> HttpResponse:
    """Show the question; carry the answer out when it is given."""
    if not request.user.has_perm(PERMISSIONS[question.verb]):
        raise PermissionDenied
    confirmed = "confirmed" in request.POST
    form = DiscardForm(request.POST if confirmed else None)
    if confirmed and (question.verb == "requeue" or form.is_valid()):
        DEEDS[question.verb](request, question.rows, form)
        return redirect(question.back)
    return show(request, "decide", TITLES[question.verb], model_admin, form=form, **facts(question, clock.now()))


TITLES = {"requeue": "Send these again?", "discard": "Give these up?"}


def facts(question: Question, now: datetime) -> dict[str, Any]:
    """What the person should know before answering."""
    rows = question.rows.undecided().order_by()
    count = rows.count()
    doubtful = rows.filter(maybe_accepted=True, first_sent_at__lt=now - DEDUP_WINDOW).count()
    return {"question": question, "count": count, "doubtful": doubtful, "seconds": seconds_for(count)}


def seconds_for(count: int) -> int:
    """Over how long so many are spread; a handful goes at once."""
    return count // SENT_PER_SECOND if count > SMALL_ENOUGH else 0


def requeue(request: HttpRequest, rows: DeliveryQuerySet, form: DiscardForm) -> None:
    now = clock.now()
    count = rows.requeue(request.user, now, seconds_for(rows.undecided().order_by().count()))
    history.note_decision(request.user, now, count, "Re-queued.")
    tell(request, count, "back in the queue")
    enqueue(DELIVER)


def discard(request: HttpRequest, rows: DeliveryQuerySet, form: DiscardForm) -> None:
    now = clock.now()
    reason = form.cleaned_data["reason"]
    count = rows.discard(request.user, reason, now)
    history.note_decision(request.user, now, count, f"Discarded: {reason}")
    tell(request, count, "discarded")


DEEDS: dict[str, Callable[[HttpRequest, DeliveryQuerySet, DiscardForm], None]] = {
    "requeue": requeue,
    "discard": discard,
}


def tell(request: HttpRequest, count: int, what: str) -> None:
    if count:
        letters = "1 dead letter is" if count == 1 else f"{count:,} dead letters are"
        messages.success(request, f"{letters} {what}.")
    else:
        messages.warning(request, "Nothing changed: somebody has decided on this already.")
