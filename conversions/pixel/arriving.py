"""A page that was opened: its click is found, or registered as the arrival that no tracking link saw."""

from django.http import HttpResponse

from conversions.arrival import Visit, arrive, is_same_visit, save_arrival
from conversions.browser_news import take
from conversions.click_cookie import remember
from conversions.consent import record_answer
from conversions.earlier import answer_on_arrival
from conversions.models import Click, Consent
from conversions.page_state import state_of
from conversions.pixel.answers import reply
from conversions.pixel.bodies import url_of
from conversions.pixel.calls import Call
from conversions.pixel.clicks import clicks_of_browser, news_of, of_offer, refresh, tiktok_cookies


def arrival(call: Call) -> HttpResponse:
    """The state of the page's click, with the cookie that has the browser keep it."""
    known = clicks_of_browser(call)
    click = next((click for click in of_offer(known, call) if is_same_visit(click, call.query)), None)
    click = welcome_back(click, known, call) if click else register(call, known)
    response = reply(state_of(click, call.now))
    remember(call.request, response, click)
    return response


def welcome_back(click: Click, known: list[Click], call: Call) -> Click:
    """A click without an answer, such as one that a tracking link has just stored, takes one that is known."""
    refresh(click, call)
    if click.consent != Consent.UNKNOWN:
        return click
    answer = answer_on_arrival(click, known, call.query.get("consent"), call.body.get("consent"))
    return (answer and record_answer(click.pk, *answer, call.url, call.now)) or click


def register(call: Call, known: list[Click]) -> Click:
    """Store the arrival."""
    referrer, cookies = url_of(call.body, "referrer"), tiktok_cookies(call)
    visit = Visit(call.query, referrer, cookies, known, remembered=call.body.get("consent"))
    click = arrive(call.request, call.offer, call.now, visit)
    take(click, news_of(click, call))
    save_arrival(click, call.url)
    return click
