"""The page of unmapped statuses: a line for each word of a network, one button to map it and digest what waited."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from conversions.admin.history import note
from conversions.admin.inbox import number_of
from conversions.admin.inbox_replay import GOES_ON, NOT_TWICE, REPLAY, counted
from conversions.admin.screens import show
from conversions.unmapped import (
    COUNTED,
    MappedMeanwhileError,
    is_waited_for,
    map_word,
    replay_mapped,
    unmapped_words,
)
from offers.models import Network
from offers.models.network import WORD_LENGTH, PostbackStatus

VIEW = "conversions.view_postback"
CHANGE = "offers.change_network"
WHICH = "Choose what the word means first."
NOBODY_WAITS = (
    "Nothing was mapped: no postback waits for this word any more. A word that has not come yet is mapped on the "
    "network's page."
)


def may_map(request: HttpRequest) -> bool:
    return request.user.has_perms([CHANGE, REPLAY])


@require_http_methods(["GET", "POST"])
def unmapped_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """The list; on POST one word is mapped, and what waited for it is digested again."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    if request.method == "POST":
        if not may_map(request):
            raise PermissionDenied
        take_over(request)
        return redirect("admin:conversions_postback_unmapped")
    words = unmapped_words()
    return show(
        request, "postback/unmapped", "Unmapped statuses", model_admin,
        words=[line for line in words if line.word], wordless=[line for line in words if not line.word],
        is_capped=sum(line.count for line in words) >= COUNTED, statuses=PostbackStatus.choices,
        may_map=may_map(request), list_url=reverse("admin:conversions_postback_changelist"),
    )  # fmt: skip


def take_over(request: HttpRequest) -> None:
    """Map the word of the form and say how many postbacks are digested again. Raises Http404 for a foreign form."""
    word, status = request.POST.get("word", "").strip()[:WORD_LENGTH], request.POST.get("status", "")
    network_id = number_of(request.POST.get("network"))
    if not word or network_id is None:
        raise Http404
    if status not in PostbackStatus.values:
        messages.warning(request, WHICH)
        return
    if not Network.objects.filter(pk=network_id).exists():
        raise Http404
    if not is_waited_for(network_id, word):
        messages.warning(request, NOBODY_WAITS)
        return
    try:
        network = map_word(network_id, word, PostbackStatus(status))
    except MappedMeanwhileError as error:
        messages.warning(request, str(error))
        return
    except Network.DoesNotExist as error:
        raise Http404 from error
    tell(request, network, word, PostbackStatus(status), *replay_mapped(network))


def tell(request: HttpRequest, network: Network, word: str, status: PostbackStatus, count: int, is_all: bool) -> None:
    done = f"Mapped “{word}” of {network} to “{status.label}”. {counted(count)} digested again."
    note(request.user, network, done)
    messages.success(request, f"{done} {NOT_TWICE}")
    if not is_all:
        messages.info(request, GOES_ON)
