"""The Pixel on Django pages: `{% tiktok_pixel %}` in the head, then `{% tiktok_event "ViewContent" %}`.

Both belong to the click in the page's query or cookie, else they register the arrival at the offer that the tag or
the context variable `offer` names. Every value goes through JSON with <, > and & escaped; nothing else is interpolated.
"""

import json
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from conversions import clock
from conversions.models import Click
from conversions.page_click import click_of_page
from conversions.page_events import page_rule, pixel_properties, record_page_event
from conversions.page_properties import read_properties
from conversions.page_state import identity_of

register = template.Library()

JS_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&'\u2028\u2029"}


@register.inclusion_tag("conversions/tiktok_pixel.html", takes_context=True)
def tiktok_pixel(context: dict[str, Any], offer: str = "") -> dict[str, Any]:
    """TikTok's base code for the page's click; nothing at all for a visitor who refused."""
    click = page_click(context, offer)
    if click is None or click.has_refused or not click.offer.allows("pixel"):
        return {"pixel_code": None}
    return {
        "nonce": nonce(context),
        "pixel_code": script_json(click.offer.pixel.code),
        "script_url": script_json(f"{settings.TIKTOK_PIXEL_URL}/i18n/pixel/events.js"),
        "hold": not click.has_consent,
        "identity": script_json(identity_of(click)),
    }


@register.inclusion_tag("conversions/tiktok_event.html", takes_context=True)
def tiktok_event(context: dict[str, Any], event_name: str, offer: str = "") -> dict[str, Any]:
    """`ttq.track` with the event_id that the server leg uses too. The offer needs an event rule of this name."""
    click = page_click(context, offer)
    rule = page_rule(click, event_name) if click else None
    if click is None or rule is None:
        return {"call": None}
    request: HttpRequest = context["request"]
    referrer = request.META.get("HTTP_REFERER", "")
    page_url = request.build_absolute_uri()
    said = read_properties({}, click.offer.currency)
    conversion = record_page_event(click, rule, said, page_url, referrer, clock.now())
    if click.has_refused or not rule.uses("pixel"):
        return {"call": None}
    arguments = [event_name, pixel_properties(rule, conversion), {"event_id": str(conversion.event_id)}]
    return {"nonce": nonce(context), "call": mark_safe(", ".join(map(script_json, arguments)))}  # noqa: S308


def page_click(context: dict[str, Any], offer: str) -> Click | None:
    """The click of the page being rendered; the offer is the tag's argument or the context's `offer`."""
    slug = offer or getattr(context.get("offer"), "slug", "")
    return click_of_page(context["request"], slug)


def nonce(context: dict[str, Any]) -> str:
    """The page's Content-Security-Policy nonce, where a middleware made one."""
    return str(getattr(context["request"], "csp_nonce", "") or "")


def script_json(value: object) -> SafeString:
    """JSON that is safe inside a script element whatever the value holds."""
    return mark_safe(json.dumps(value).translate(JS_ESCAPES))  # noqa: S308


@register.simple_tag(takes_context=True)
def tiktok_click_id(context: dict[str, Any], offer: str = "") -> str:
    """The page's click id, for a form's hidden field; empty when there is no click."""
    click = page_click(context, offer)
    return click.pk if click else ""


@register.simple_tag(takes_context=True)
def tiktok_outbound(context: dict[str, Any], offer: str = "") -> str:
    """The outbound link of the page's click: `/go/<click>/`; `#` when there is no click."""
    click = page_click(context, offer)
    return f"{settings.PUBLIC_BASE_URL}{reverse('outbound_link', args=[click.pk])}" if click else "#"
