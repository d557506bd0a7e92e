"""What a visitor does: clicks on the ad, looks at the landing page, goes on to the network's offer.

The addresses of this site are asked in this process, as the server may not reach itself under its public name. That
also keeps strangers out: nothing that they could put into a link makes a click a test.
"""

import ipaddress
import secrets
from datetime import datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.urls import reverse

from conversions.arrival import arrive, save_arrival, visit_of
from conversions.click_ids import new_click_id
from conversions.destinations import landing_url_of
from conversions.models import Click, Consent, Conversion
from conversions.page_events import pixel_properties, record_page_event
from conversions.page_properties import PageProperties, read_properties
from conversions.rehearsal import EXAMPLES
from conversions.views import outbound_link
from offers.models import EventRule, Offer

BROWSER = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile "
    "Safari/537.36"
)
SOURCE = "test"
PAGE_VALUE = "19.90"


def arrive_as_test(offer: Offer, now: datetime) -> Click:
    """Store the click, as the tracking link does it for a visitor who has agreed; no cap turns it away."""
    query = {"ttclid": f"test{new_click_id()}", "utm_source": SOURCE, "utm_campaign": "test conversion"}
    request = request_to(reverse("tracking_link", args=[offer.slug]), urlencode(query))
    click = arrive(request, offer, now, visit_of(request, []))
    click.is_test, click.robot = True, ""
    click.consent, click.consent_source, click.consent_at = Consent.GRANTED, SOURCE, now
    save_arrival(click, landing_url_of(click, request))
    return click


def call_events(click: Click, rules: list[EventRule], now: datetime) -> list[dict[str, Any]]:
    """Every event that a page of the offer calls, as the page's script does; what the Pixel is told of each."""
    called = [rule for rule in rules if rule.trigger == EventRule.Trigger.PAGE]
    made = [(rule, record_page_event(click, rule, said_of(rule), click.landing_url, "", now)) for rule in called]
    return [told_to_pixel(rule, conversion, now) for rule, conversion in made if rule.uses("pixel")]


def said_of(rule: EventRule) -> PageProperties:
    """What the page gives: a value where the rule takes the page's."""
    takes_value = rule.value_source == EventRule.ValueSource.NONE
    return read_properties({"value": PAGE_VALUE} if takes_value else {}, rule.offer.currency)


def told_to_pixel(rule: EventRule, conversion: Conversion, now: datetime) -> dict[str, Any]:
    """The Pixel's leg: ttq.track() with its properties and event_id, on the page, at this moment."""
    told = pixel_properties(rule, conversion)
    return {
        "event": rule.event_name,
        "event_id": str(conversion.event_id),
        "value": told.get("value"),
        "currency": told.get("currency", ""),
        "url": conversion.page_url,
        "time": int(now.timestamp()),
    }


def follow_outbound(click: Click) -> HttpResponse:
    """The outbound link's answer. Raises Http404."""
    return outbound_link(request_to(reverse("outbound_link", args=[click.pk]), "", click.ip or ""), name=click.pk)


def request_to(path: str, query: str = "", address: str = "") -> WSGIRequest:
    """A browser's request to this site, from an address that nobody has (RFC 3849)."""
    site = urlsplit(settings.PUBLIC_BASE_URL)
    return WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": site.hostname or "localhost",
            "SERVER_PORT": str(site.port or (443 if site.scheme == "https" else 80)),
            "wsgi.url_scheme": site.scheme or "http",
            "HTTP_HOST": site.netloc or "localhost",
            "HTTP_USER_AGENT": BROWSER,
            "REMOTE_ADDR": address or str(ipaddress.IPv6Address(EXAMPLES + secrets.randbits(64))),
            "wsgi.input": BytesIO(),
        }
    )
