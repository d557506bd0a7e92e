"""The page “Trace”: why something is or is not in TikTok, for whatever id somebody pastes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from dispatch import clock
from dispatch.admin.screens import show
from dispatch.diagnosis.finding import NothingFoundError
from dispatch.diagnosis.moments import Moment
from dispatch.diagnosis.report import May, Subject, Trace, allowed
from dispatch.diagnosis.steps import RUNBOOK
from dispatch.diagnosis.tracing import trace
from dispatch.wording import two_largest
from offers.admin_parts import badge, moment

MAY_TRACE = "dispatch.trace"
EXAMPLES = [
    ("A click id", "01k9z3v7q2w8x4y6a1b5c0d9ef", "26 letters and digits, as the network gets it in its sub-id"),
    ("An event_id", "5f0c1c52-7d5c-5d0e-9a55-3c9a6f0d2b11", "as Events Manager shows it, with its dashes or without"),
    ("A transaction", "ORDER-1001", "as the network shows it"),
    ("A number", "conversion 12", "or postback 12, or delivery 12, as the pages here are called"),
]


@dataclass(frozen=True)
class Shown:
    """One moment as the page has it; `gap` is how long after the one before it came."""

    moment: Moment
    when: str
    gap: str
    link: str


@dataclass(frozen=True)
class Card:
    """One subject as the page has it, with those links that this person may follow."""

    subject: Subject
    verdict: SafeString
    cause: SafeString
    link: str
    runbook: str
    timeline: list[Shown]


@never_cache
@require_GET
@permission_required(MAY_TRACE, raise_exception=True)
def trace_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """What was pasted into `?id=`, traced; without it, examples of what may be."""
    text = request.GET.get("id", "")
    context: dict[str, Any] = {"typed": text[:2048], "examples": EXAMPLES}
    if text.strip():
        try:
            found = trace(text, clock.now())
            context |= {"found": found, "cards": cards_of(found, request)}
        except NothingFoundError as error:
            context["advice"] = error.advice
    return show(request, "trace", "Trace", model_admin, **context)


def cards_of(found: Trace, request: HttpRequest) -> list[Card]:
    return [card_of(subject, request.user.has_perm) for subject in found.subjects]


def card_of(subject: Subject, may: May) -> Card:
    step, ruling = subject.next_step, subject.ruling
    return Card(
        subject,
        badge(ruling.verdict.label, subject.tone),
        badge(ruling.cause.label),
        allowed(step.link, step.permission, may),
        runbook_of(step.runbook),
        list(shown(subject, may)),
    )


def runbook_of(address: str) -> str:
    """The section of the runbook among the admin's pages; empty for what only docs/diagnosis.md explains."""
    name, _, anchor = address.partition("#")
    return f"{reverse('admin:dispatch_runbook')}#{anchor}" if name == RUNBOOK else ""


def shown(subject: Subject, may: May) -> Iterator[Shown]:
    for each, after in subject.steps:
        yield Shown(each, moment(each.at), gap(after), allowed(each.link, each.permission, may))


def gap(span: timedelta | None) -> str:
    """A span in its two largest units, as in “+3 s” or “+2 h 10 min”; empty for none."""
    if span is None:
        return ""
    if span < timedelta(seconds=1):
        return f"+{round(span.total_seconds() * 1000)}\N{NO-BREAK SPACE}ms"
    return "+" + " ".join(f"{number}\N{NO-BREAK SPACE}{unit}" for number, unit in two_largest(span))
