"""Digesting again: one postback at once, the selected ones, or all of a reason after a question with the count."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from conversions import clock
from conversions.admin.history import note, note_many
from conversions.admin.inbox import NETWORK_PARAMETER, OUTCOME_PARAMETER, Reason, counts_of, network_of
from conversions.admin.screens import show
from conversions.digest import digest_one
from conversions.models import Postback
from conversions.outcomes import TROUBLED, UNREADABLE, Outcome
from conversions.replaying import How, replay, replay_all, stretches_of
from conversions.wake import DIGEST, enqueue
from offers.models import Network

REPLAY = "conversions.replay_postback"
LIST = "admin:conversions_postback_changelist"
AT_ONCE = 5000
DONE = {
    How.AS_SENT: "Digested again.",
    How.WITHOUT_MACROS: "Digested again without the macros that were not replaced.",
}
NOTHING_NEW = "Checked again, and nothing has changed."
UNREADABLE_STAY = "Calls that could not be read when they came stay as they are; the network has to send them again."
STILL_REFUSED = "The others are still not proven by a key of their network: correct the key and check them again."
GOES_ON = "The workers go on with the rest; the count above the list tells how far they are."


def may_replay(request: HttpRequest) -> bool:
    return request.user.has_perm(REPLAY)


def how_of(request: HttpRequest) -> How:
    return How.WITHOUT_MACROS if "without_macros" in request.POST else How.AS_SENT


@require_POST
def replay_one(request: HttpRequest, model_admin: Any, key: int) -> HttpResponse:
    """One postback, digested before the page comes back."""
    if not may_replay(request):
        raise PermissionDenied
    if not Postback.objects.filter(pk=key).exists():
        raise Http404
    how = how_of(request)
    count = replay([key], clock.now(), how)
    postback = digest_one(key) if count else Postback.objects.get(pk=key)
    done = DONE[how] if count else NOTHING_NEW
    note(request.user, postback, f"{done} Outcome: {postback.get_outcome_display()}.")
    tell_outcome(request, postback, done)
    return redirect("admin:conversions_postback_change", key)


def tell_outcome(request: HttpRequest, postback: Postback, done: str) -> None:
    """What was done and what has become of it, green only when there is no more to do."""
    is_bad = postback.outcome in TROUBLED
    words = f"{done} Outcome now: {postback.get_outcome_display()}. {postback.detail}"
    messages.add_message(request, messages.WARNING if is_bad else messages.SUCCESS, words.strip())


def replay_selected(request: HttpRequest, keys: Sequence[int], how: How) -> None:
    """Those that were ticked, up to what one request does at once."""
    chosen = keys[:AT_ONCE]
    count = replay(chosen, clock.now(), how)
    enqueue(DIGEST)
    note_many(request.user, f"{count:,} selected postbacks", DONE[how])
    messages.success(request, f"{counted(count)} digested again. {NOT_TWICE}")
    if count < len(chosen):
        messages.warning(request, UNREADABLE_STAY if how == How.AS_SENT else ONLY_WITH_MACROS)
    if len(keys) > AT_ONCE:
        messages.warning(request, f"That were {AT_ONCE:,} of them. Select the rest and repeat.")


NOT_TWICE = "Facts that are in the ledger already do not count twice."
ONLY_WITH_MACROS = "The others have no macro that was not replaced, so they stay as they are."


def counted(count: int) -> str:
    return "1 is" if count == 1 else f"{count:,} are"


@require_http_methods(["GET", "POST"])
def replay_reason(request: HttpRequest, model_admin: Any, outcome: str) -> HttpResponse:
    """All of one reason, and of one network where the address names one: asked first, then done."""
    if outcome not in TROUBLED or outcome in UNREADABLE:
        raise Http404
    if not may_replay(request):
        raise PermissionDenied
    network = network_of(request.GET.get("network"))
    if request.method == "POST":
        replay_whole_reason(request, Outcome(outcome), network)
        return redirect(filtered(outcome, network))
    reason = Reason(Outcome(outcome), counts_of([outcome], network)[outcome], is_chosen=True)
    return show(
        request, "postback/replay", "Digest again?", model_admin, reason=reason, network=network,
        about=about(reason.outcome, network), back_url=filtered(outcome, network),
    )  # fmt: skip


def replay_whole_reason(request: HttpRequest, outcome: Outcome, network: Network | None) -> None:
    how = how_of(request) if outcome == Outcome.UNREPLACED_MACRO else How.AS_SENT
    count, is_all = replay_all(stretches_of(outcome, network.pk if network else None, how))
    note_many(request.user, about(outcome, network), DONE[how])
    if count:
        messages.success(request, f"{counted(count)} digested again. {NOT_TWICE}")
    elif is_all:
        messages.warning(request, NOTHING_PROVEN if outcome == Outcome.BAD_SIGNATURE else "There is none left.")
    if count and outcome == Outcome.BAD_SIGNATURE:
        messages.info(request, STILL_REFUSED)
    if not is_all:
        messages.info(request, GOES_ON)


NOTHING_PROVEN = "No key of today proves any of them. Correct the signing key on the network's page, then check again."


def about(outcome: Outcome, network: Network | None) -> str:
    """Which postbacks are meant, in words."""
    return f"All postbacks with the reason “{outcome.label}”{f' of {network}' if network else ''}"


def filtered(outcome: str, network: Network | None) -> str:
    """The list, filtered by the reason and the network."""
    chosen = {OUTCOME_PARAMETER: outcome, **({NETWORK_PARAMETER: str(network.pk)} if network else {})}
    return f"{reverse(LIST)}?{urlencode(chosen)}"
