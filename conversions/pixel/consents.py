"""A visitor's answer, as the page's banner or consent tool heard it."""

from django.http import HttpResponse

from conversions.click_cookie import clicks_in, remember
from conversions.consent import ANSWERS, record_answer
from conversions.earlier import REMEMBERED, has_refused_before
from conversions.models import Click, Consent
from conversions.page_state import state_of
from conversions.pixel.answers import reply
from conversions.pixel.bodies import bad_request, moment_of, text_of
from conversions.pixel.calls import Call
from conversions.pixel.clicks import click_of, clicks_of, clicks_of_browser

MOST_ANSWERS = 20
"""Of one click; each is kept for good, and whoever knows the click's id can give them."""


def consent(call: Call) -> HttpResponse:
    """Put the answer in force for the click; a refusal for all of this browser's clicks at the offer."""
    answer, source = text_of(call.body, "state"), text_of(call.body, "source") or "page"
    if answer not in ANSWERS:
        raise bad_request("“state” has to be granted, denied or withdrawn.")
    click, said_at = click_of(call), moment_of(call.body, "at", call.now)
    if answer == Consent.GRANTED and source == REMEMBERED:
        said_at = None  # nobody said it just now, so it overtakes nothing
    if answer != Consent.GRANTED or may_agree(click, source, call):
        click = record_answer(click.pk, answer, source, call.url, call.now, said_at) or click
    if answer != Consent.GRANTED:
        for other in others_of_browser(click, call):
            record_answer(other.pk, answer, source, call.url, call.now, said_at)
    response = reply(state_of(click, call.now))
    remember(call.request, response, click)
    return response


def may_agree(click: Click, source: str, call: Call) -> bool:
    """Whether an agreement is taken: not what a page merely remembers after a refusal, nor one answer too many.

    Refusals always are, so whoever has changed their mind that often stays with a refusal.
    """
    if source == REMEMBERED and (click.has_refused or has_refused_before(click, clicks_of_browser(call))):
        return False
    return click.consent_records.count() < MOST_ANSWERS


def others_of_browser(click: Click, call: Call) -> list[Click]:
    return clicks_of(call, [key for key in clicks_in(call.request) if key != click.pk])
