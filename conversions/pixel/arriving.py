"""A page that was opened: its click is found, or registered as the arrival that no tracking link saw."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse

from conversions.arrival import arrive, save_arrival, ttclid_of
from conversions.click_cookie import remember
from conversions.consent import note, record_answer
from conversions.models import Click, Consent
from conversions.page_state import state_of
from conversions.pixel.answers import reply
from conversions.pixel.bodies import url_of
from conversions.pixel.calls import Call
from conversions.pixel.clicks import clicks_of_browser, news_of, refresh, take

REMEMBERED, EARLIER_VISIT, LINK = "remembered", "earlier visit", "link"
Answer = tuple[str, str]


def arrival(call: Call) -> HttpResponse:
    """The state of the page's click, with the cookie that has the browser keep it."""
    clicks = clicks_of_browser(call)
    click = next((click for click in clicks if is_same_visit(click, call)), None)
    click = welcome_back(click, call) if click else register(call, clicks)
    response = reply(state_of(click, call.now))
    remember(call.request, response, click)
    return response


def is_same_visit(click: Click, call: Call) -> bool:
    """Whether the address names no other click on an ad than the one that led to this click.

    A click without one that the address names itself takes the one beside its name.
    """
    is_named = click.pk == call.query.get("click_id") and not click.ttclid
    return is_named or ttclid_of(call.query) in ("", click.ttclid)


def welcome_back(click: Click, call: Call) -> Click:
    refresh(click, call)
    answer = answer_given(call)
    if answer is None or click.consent != Consent.UNKNOWN:
        return click
    return record_answer(click.pk, *answer, call.url, call.now) or click


def register(call: Call, earlier: list[Click]) -> Click:
    """Store the arrival, with the answer about consent that comes along, if any does."""
    referrer = url_of(call.body, "referrer")
    click = arrive(call.request, call.offer, call.now, query=call.query, referrer=referrer)
    take(click, news_of(click, call))
    answer = answer_given(call) or inherited(click, earlier)
    if answer is None:
        save_arrival(click, call.url)
        return click
    click.consent, click.consent_source = answer
    click.consent_at = call.now
    with transaction.atomic():
        save_arrival(click, call.url)
        note(click, call.url, call.now).save(force_insert=True)
    return click


def answer_given(call: Call) -> Answer | None:
    """What the page's link says of consent, else what the page remembers, with the name of that source."""
    sources: list[tuple[Any, str]] = [(call.query.get("consent"), LINK), (call.body.get("consent"), REMEMBERED)]
    return next((answer for answer in sources if answer[0] in (Consent.GRANTED, Consent.DENIED)), None)


def inherited(click: Click, earlier: list[Click]) -> Answer | None:
    """The answer at this browser's newest visit before; an agreement counts only under the policy it was given."""
    last = max(earlier, key=lambda other: other.pk, default=None)
    if last is None or last.consent == Consent.UNKNOWN:
        return None
    return (last.consent, EARLIER_VISIT) if last.has_refused or last.needs_consent == click.needs_consent else None
