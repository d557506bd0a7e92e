"""Pixel and Events API tell one event alike, whoever speaks first: TikTok keeps the first copy."""

from typing import Any

import pytest
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.models import Click
from conversions.page_events import page_rule, pixel_properties
from dispatch.models import Delivery
from dispatch.planning import plan
from dispatch.sender import Sender
from dispatch.tiktok.sandbox import Sandbox
from tests.factories import call_page_event, make_click, make_credential, make_offer, make_pixel, make_postback

pytestmark = pytest.mark.django_db
SALE = {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}
PAGE = {"trigger": "page", "event_name": "Purchase"}
FIXED = {"value_source": "fixed", "fixed_value": 25}
SAID = {"value": "30", "currency": "EUR", "contents": [{"content_id": 7, "quantity": 1}], "order_id": "A-1"}
RULES = {
    "the network's alone": [SALE],
    "the network's alone, fixed": [{**SALE, **FIXED}],
    "the network's alone, without a value": [{**SALE, "value_source": "none"}],
    "the page's alone": [PAGE],
    "one for each": [PAGE, SALE],
    "one for each, the page's fixed": [{**PAGE, **FIXED}, SALE],
    "one for each, the page's for the Pixel alone": [{**PAGE, "legs": "pixel"}, {**SALE, "legs": "server"}],
    "one for each status": [{**SALE, "trigger": "pending", "value_source": "none"}, SALE],
    "one for a word too": [{**SALE, **FIXED, "network_event": "ftd"}, SALE],
}
ORDERS = {
    "page first": ["page", "send", "postback", "send"],
    "postback first": ["postback", "send", "page", "send"],
    "racing, page first": ["page", "plan", "postback", "send"],
    "racing, postback first": ["postback", "plan", "page", "send"],
}


def happen(click: Click, step: str) -> dict[str, Any] | None:
    """One step of the story; what the Pixel tells, where the page calls."""
    if step == "postback":
        make_postback(click.offer.network, {"click_id": click.pk, "status": "approved", "payout": "40", "txid": "T-1"})
        digest_batch(timezone.now())
    elif step == "page":
        conversion = call_page_event(click, "Purchase", said=SAID)
        return {"event_id": str(conversion.event_id), **pixel_properties(page_rule(click, "Purchase"), conversion)}
    elif step == "plan":
        plan(timezone.now())
    else:
        Sender().turn()
    return None


@pytest.mark.parametrize("steps", ORDERS.values(), ids=ORDERS)
def test_both_legs_agree(sandbox: Sandbox, steps):
    pixel = make_pixel()
    make_credential(pixel)
    for words, rules in RULES.items():
        click = make_click(make_offer(rules=rules, pixel=pixel))

        browser = next(told for told in [happen(click, step) for step in steps] if told)

        (copy,) = sandbox.events(event_id=browser["event_id"])
        server = copy["payload"].get("properties", {})
        contradictions = {name for name in browser.keys() & server.keys() if server[name] != browser[name]}
        assert not contradictions, words
    assert len(sandbox.events()) == Delivery.objects.filter(status="accepted").count() == len(RULES)
