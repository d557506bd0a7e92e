"""A page that was opened: its click is found, or registered as the arrival that no tracking link saw."""

from django.http import HttpResponse

from conversions.arrival import Visit, arrive, is_same_visit, save_arrival, with_known_answer
from conversions.browser_news import take
from conversions.click_cookie import remember
from conversions.models import Click
from conversions.page_state import state_of
from conversions.pixel.answers import reply
from conversions.pixel.bodies import url_of
from conversions.pixel.calls import Call
from conversions.pixel.clicks import clicks_of_browser, news_of, of_offer, refresh, tiktok_cookies


def arrival(call: Call) -> HttpResponse:
    """The state of the page's click, with the cookie that has the browser keep it."""
    known = clicks_of_browser(call)
    click = next((click for click in of_offer(known, call) if is_same_visit(click, call.query)), None)
    visit = visit_of(call, known)
    click = welcome_back(click, visit, call) if click else register(call, visit)
    response = reply(state_of(click, call.now))
    remember(call.request, response, click)
    return response


def visit_of(call: Call, known: list[Click]) -> Visit:
    """The visit to the page, as its script tells of it."""
    referrer, cookies = url_of(call.body, "referrer"), tiktok_cookies(call)
    return Visit(call.query, referrer, cookies, known, remembered=call.body.get("consent"))


def welcome_back(click: Click, visit: Visit, call: Call) -> Click:
    refresh(click, call)
    return with_known_answer(click, visit, call.url, call.now)


def register(call: Call, visit: Visit) -> Click:
    """Store the arrival."""
    click = arrive(call.request, call.offer, call.now, visit)
    take(click, news_of(click, call))
    save_arrival(click, call.url)
    return click
