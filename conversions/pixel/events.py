"""An event that a page calls."""

from django.http import HttpResponse

from conversions.page_events import (
    KEY_LENGTH,
    MOST_OF_A_CLICK,
    TooManyEventsError,
    may_fire,
    page_rule,
    pixel_properties,
    record_page_event,
)
from conversions.page_properties import read_properties
from conversions.pixel.answers import RefusalError, reply
from conversions.pixel.bodies import object_of, text_of, url_of
from conversions.pixel.calls import Call
from conversions.pixel.clicks import click_of

NAME_LENGTH = 50


def event(call: Call) -> HttpResponse:
    """Record one occurrence; what the Pixel is to say of it, and whether it may say it.

    A refusal is on record by its event, which neither leg then tells.
    """
    name, key = text_of(call.body, "event", NAME_LENGTH), text_of(call.body, "key", KEY_LENGTH)
    said = read_properties(object_of(call.body, "properties"), call.offer.currency)
    click = click_of(call)
    rule = page_rule(click, name)
    if rule is None:
        words = f"The offer has no event rule for “{name}”. Add one that a page calls, or correct the name."
        raise RefusalError(400, "no_rule", words)
    try:
        conversion = record_page_event(click, rule, said, call.url, url_of(call.body, "referrer"), call.now, key)
    except TooManyEventsError as error:
        words = f"The click has {MOST_OF_A_CLICK} events already. The same event needs the same key."
        raise RefusalError(400, "too_many_events", words) from error
    allowed = rule.uses("pixel") and not click.has_refused and not click.robot
    return reply(
        {
            "event_id": str(conversion.event_id),
            "pixel": rule.uses("pixel"),
            "properties": pixel_properties(rule, conversion),
            "fire": allowed and may_fire(conversion, call.now),
        }
    )
