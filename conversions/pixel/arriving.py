"""A page that was opened: its click is found, or registered as the arrival that no tracking link saw."""

from typing import Any

from django.http import HttpResponse

from conversions.arrival import arrive, save_arrival, ttclid_of
from conversions.click_cookie import remember
from conversions.consent import record_answer
from conversions.models import Click, Consent
from conversions.page_state import state_of
from conversions.pixel.answers import reply
from conversions.pixel.bodies import url_of
from conversions.pixel.calls import Call
from conversions.pixel.clicks import clicks_of_browser, news_of, refresh, take, tiktok_cookies

REMEMBERED, EARLIER_VISIT, LINK = "remembered", "earlier visit", "link"
Answer = tuple[str, str]


def arrival(call: Call) -> HttpResponse:
    """The state of the page's click, with the cookie that has the browser keep it."""
    clicks = clicks_of_browser(call)
    click = next((click for click in clicks if is_same_visit(click, call)), None)
    click = welcome_back(click, clicks, call) if click else register(call, clicks)
    response = reply(state_of(click, call.now))
    remember(call.request, response, click)
    return response


def is_same_visit(click: Click, call: Call) -> bool:
    """Whether the address names no other click on an ad than the one that led to this click.

    A click without one that the address names itself takes the one beside its name.
    """
    is_named = click.pk == call.query.get("click_id") and not click.ttclid
    return is_named or ttclid_of(call.query) in ("", click.ttclid)


def welcome_back(click: Click, known: list[Click], call: Call) -> Click:
    """A click without an answer, such as one that a tracking link has just stored, takes one that is known."""
    refresh(click, call)
    answer = (answer_given(call) or inherited(click, known)) if click.consent == Consent.UNKNOWN else None
    return (answer and record_answer(click.pk, *answer, call.url, call.now)) or click


def register(call: Call, known: list[Click]) -> Click:
    """Store the arrival, with the answer about consent that comes along, if any does."""
    referrer, cookies = url_of(call.body, "referrer"), tiktok_cookies(call)
    click = arrive(call.request, call.offer, call.now, query=call.query, referrer=referrer, cookies=cookies)
    take(click, news_of(click, call))
    answer = answer_given(call) or inherited(click, known)
    if answer:
        click.consent, click.consent_source, click.consent_at = *answer, call.now
    save_arrival(click, call.url)
    return click


def answer_given(call: Call) -> Answer | None:
    """What the page's link says of consent, else what the page remembers, with the name of that source."""
    sources: list[tuple[Any, str]] = [(call.query.get("consent"), LINK), (call.body.get("consent"), REMEMBERED)]
    return next((answer for answer in sources if answer[0] in (Consent.GRANTED, Consent.DENIED)), None)


def inherited(click: Click, known: list[Click]) -> Answer | None:
    """The answer at this browser's newest visit before; an agreement counts only under the policy it was given."""
    same_offer = [other for other in known if other.offer_id == click.offer_id]
    earlier = [other for other in same_offer if other.created_at < click.created_at]
    last = max(earlier, key=lambda other: other.created_at, default=None)
    if last is None or last.consent == Consent.UNKNOWN:
        return None
    if last.has_refused:
        return Consent.DENIED, EARLIER_VISIT
    return (Consent.GRANTED, EARLIER_VISIT) if last.needs_consent == click.needs_consent else None
