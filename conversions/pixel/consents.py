"""A visitor's answer, as the page's banner or consent tool heard it."""

from django.http import HttpResponse

from conversions.click_cookie import clicks_in, remember
from conversions.consent import ANSWERS, record_answer
from conversions.models import Click, Consent
from conversions.page_state import state_of
from conversions.pixel.answers import reply
from conversions.pixel.bodies import bad_request, text_of
from conversions.pixel.calls import Call
from conversions.pixel.clicks import click_of, clicks_of


def consent(call: Call) -> HttpResponse:
    """Put the answer in force for the click; a refusal for all of this browser's clicks at the offer."""
    answer, source = text_of(call.body, "state"), text_of(call.body, "source") or "page"
    if answer not in ANSWERS:
        raise bad_request("“state” has to be granted, denied or withdrawn.")
    click = click_of(call)
    click = record_answer(click.pk, answer, source, call.url, call.now) or click
    if answer != Consent.GRANTED:
        for other in others_of_browser(click, call):
            record_answer(other.pk, answer, source, call.url, call.now)
    response = reply(state_of(click, call.now))
    remember(call.request, response, click)
    return response


def others_of_browser(click: Click, call: Call) -> list[Click]:
    return clicks_of(call, [key for key in clicks_in(call.request) if key != click.pk])
