"""The pages that explain why a network's or TikTok's figure is not ours: the form at once, the answer on asking.

An answer reads every conversion of the offer in the period, which may take seconds. So the page comes without it, says
what it is doing, and has its script ask for the answer under the same address with `answer=1`. Without the script's
header that address is the whole page, for browsers that run no scripts.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from conversions.visitor import clean_text
from dispatch.admin.difference_form import (
    asked,
    currency_of,
    period_fields,
    read_number,
    read_theirs,
    read_window,
    reports_of,
    ticks,
)
from dispatch.admin.difference_steps import network_steps, tiktok_steps
from dispatch.admin.report_form import Entry, event_names
from dispatch.admin.screens import show
from dispatch.reports.asking import Question
from dispatch.reports.network_differences import Theirs, network_differences
from dispatch.reports.tiktok_differences import WINDOWS, tiktok_differences
from offers.models import Offer
from offers.vocabulary import CURRENCIES

Facts = dict[str, Any]
LONGEST_EVENT = 50


@require_GET
def network_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Ours beside the network's number, once one is entered."""
    offer, question, errors = asked(request)
    theirs = read_theirs(request, offer, errors) if "count" in request.GET or "upload" in request.GET else None
    answer = partial(of_network, request, offer, question, theirs) if theirs and not errors else None
    if is_part(request):
        return part(request, answer, errors)
    return page(
        request, f"Compare with {offer.network}: {offer}", model_admin, answer,
        offer=offer, question=question, errors=errors, fields=period_fields(question, errors),
        theirs=theirs, currency=currency_of(request, offer), currencies=sorted(CURRENCIES),
        given=request.GET, statuses=ticks(request, theirs), tests="tests" in request.GET, is_network=True,
        uploads=reports_of(request, offer),
    )  # fmt: skip


@require_GET
def tiktok_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Ours beside what TikTok shows of one event, once its number is entered."""
    offer, question, errors = asked(request)
    event = clean_text(request.GET.get("event", ""), LONGEST_EVENT)
    count = read_number(request.GET.get("count", ""), errors) if "count" in request.GET else None
    window = read_window(request.GET.get("window", ""), errors)
    if count is not None and not event:
        errors["event"] = "Choose the event that the number is of."
    is_ready = count is not None and not errors
    answer = partial(of_tiktok, request, offer, question, event, count or 0, window) if is_ready else None
    if is_part(request):
        return part(request, answer, errors)
    events = [("", "–"), *((name, name) for name in event_names(event))]
    return page(
        request, f"Compare with TikTok: {offer}", model_admin, answer,
        offer=offer, question=question, errors=errors,
        fields=[*period_fields(question, errors), Entry("event", "Event", event, events, "", errors.get("event", ""))],
        given=request.GET, windows=[(str(days), f"{days} day{'' if days == 1 else 's'}") for days in WINDOWS],
        window=str(window or ""), is_network=False,
    )  # fmt: skip


def is_answer_asked(request: HttpRequest) -> bool:
    return request.GET.get("answer") == "1"


def is_part(request: HttpRequest) -> bool:
    """Whether the page's script asks, for the answer alone."""
    return is_answer_asked(request) and request.headers.get("X-Requested-With") == "fetch"


def part(request: HttpRequest, answer: Callable[[], Facts] | None, errors: dict[str, str]) -> HttpResponse:
    """The answer, or what keeps it from being given by now: an upload may be gone since the page was opened."""
    facts = answer() if answer else {"errors": errors}
    return render(request, "admin/dispatch/parts/comparison.html", facts)


def page(
    request: HttpRequest, title: str, model_admin: Any, answer: Callable[[], Facts] | None, **form: Any
) -> HttpResponse:
    """The form, and below it the answer where it was asked for, else where the script finds it."""
    if answer is None:
        return show(request, "report_compare", title, model_admin, **form)
    below = answer() if is_answer_asked(request) else {"answer_query": query_of_answer(request)}
    return show(request, "report_compare", title, model_admin, **{**form, **below})


def query_of_answer(request: HttpRequest) -> str:
    """The same address with one more parameter."""
    params = request.GET.copy()
    params["answer"] = "1"
    return params.urlencode()


def of_network(request: HttpRequest, offer: Offer, question: Question, theirs: Theirs) -> Facts:
    found = network_differences(offer, question.period, theirs)
    steps = network_steps(found, theirs, question, offer, request)
    return {
        "found": found, "steps": steps, "question": question, "is_network": True,
        "currency": currency_of(request, offer),
    }  # fmt: skip


def of_tiktok(
    request: HttpRequest, offer: Offer, question: Question, event: str, count: int, window: int | None
) -> Facts:
    found = tiktok_differences(offer, event, question.period, count, window)
    return {"found": found, "steps": tiktok_steps(found, count, request), "question": question, "is_network": False}
