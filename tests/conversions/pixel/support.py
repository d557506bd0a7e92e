"""What the script of a page does."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from conversions.models import Click
from offers.models import Offer

PAGE = "https://landing.example/page"
RULES = [
    {"trigger": "page", "event_name": "ViewContent"},
    {"trigger": "page", "event_name": "Lead"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]


def call(what: str, offer: Offer, client: Client | None = None, **body: Any) -> HttpResponse:
    """POST one call as the script does: JSON as text/plain, with the page's address and origin."""
    body.setdefault("url", PAGE)
    return post(f"/pixel/{offer.slug}/{what}/", json.dumps(body), client)


def call_for(click: Click, what: str, client: Client | None = None, **body: Any) -> HttpResponse:
    return call(what, click.offer, client, click_id=click.pk, **body)


def post(path: str, content: str | bytes, client: Client | None = None, **headers: str) -> HttpResponse:
    headers = {"HTTP_ORIGIN": "https://landing.example", "HTTP_USER_AGENT": "Mozilla/5.0 (iPhone)", **headers}
    return (client or Client()).post(path, content, content_type="text/plain;charset=UTF-8", **headers)
