"""The Pixel on Django pages: `{% tiktok_pixel offer="lamp" %}` in the head, then `{% tiktok_event "ViewContent" %}`.

A project needs the apps `offers` and `conversions`, the context processor `request`, ClickCookieMiddleware, and in its
settings PUBLIC_BASE_URL, the address of the tracking site, and that site's FIELD_ENCRYPTION_KEYS. The tags belong to
the click in the page's query or cookie, else they register the arrival at the offer that the tag or the context
variable `offer` names.

No tag takes a page down: without a request, and while the database or a key is missing, it renders nothing. Every value
goes through JSON with <, > and & escaped.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

from django import template
from django.db import Error, connection, transaction
from django.http import HttpRequest
from django.template import Context

from conversions import clock
from conversions.models import Click, Consent
from conversions.page_click import click_of_page
from conversions.page_properties import READERS, written
from conversions.page_state import outbound_address
from conversions.robots import is_fetched_ahead
from conversions.tagging import PageFetchedAhead, TaggedPage
from conversions.visitor import clean_text
from offers.encryption import SecretUnreadableError

logger = logging.getLogger(__name__)
register = template.Library()

AWAY, PAGE = "_tracking_away", "_tracking_page"
PROPERTIES = {"value", "currency", *READERS}
LONGEST = 2000
NowWork = Callable[[TaggedPage, Click], str]
AheadWork = Callable[[PageFetchedAhead, str], str]


@register.simple_tag(takes_context=True)
def tiktok_pixel(context: Context, offer: Any = "") -> str:
    """TikTok's base code where it may be told of this visitor, and the offer's script."""
    return in_page(context, offer, TaggedPage.opening, PageFetchedAhead.later)


@register.simple_tag(takes_context=True)
def tiktok_event(context: Context, event_name: str, offer: Any = "", key: Any = "", **properties: Any) -> str:
    """An event under the event_id that the server leg uses too; the offer needs an event rule of this name.

    `value`, `currency`, `contents` and the other properties go to both legs. `key` tells several events of one name
    apart, such as an order number.
    """
    for name in sorted(properties.keys() - PROPERTIES):
        complain(f"tiktok_event takes no “{name}”; it takes {', '.join(sorted(PROPERTIES))}, key and offer.")
    said = text(event_name), properties, text(key)
    return in_page(
        context, offer, lambda page, click: page.event(click, *said), lambda page, slug: page.event_later(slug, *said)
    )


@register.simple_tag(takes_context=True)
def tiktok_identify(context: Context, offer: Any = "", email: Any = "", phone: Any = "", external_id: Any = "") -> str:
    """Who the visitor is, hashed here; kept and told to the Pixel as far as the offer approves it."""
    given = {"email": text(email), "phone": text(phone), "external_id": text(external_id)}
    return in_page(context, offer, lambda page, click: page.identification(click, given), PageFetchedAhead.later)


@register.simple_tag(takes_context=True)
def tiktok_click_id(context: Context, offer: Any = "") -> str:
    """The page's click id, for a form's hidden field; empty when there is no click."""
    return in_page(context, offer, lambda page, click: click.pk)


@register.simple_tag(takes_context=True)
def offer_link(context: Context, offer: Any = "") -> str:
    """The outbound link of the page's click, `/go/<click>/`; `/go/<offer>/` without a click, `#` without an offer."""
    name = in_page(context, offer, lambda page, click: click.pk) or slug_of(context, offer)
    return outbound_address(name) if name else "#"


register.simple_tag(offer_link, takes_context=True, name="tiktok_outbound")


@register.simple_tag(takes_context=True)
def tiktok_consent(context: Context, offer: Any = "") -> str:
    """Where the visitor stands: "ask", "granted", "denied", "withdrawn", or "unasked" where the offer asks nobody."""
    return in_page(context, offer, lambda page, click: standing(click))


def standing(click: Click) -> str:
    if click.consent != Consent.UNKNOWN:
        return click.consent
    return "ask" if click.needs_consent else "unasked"


def in_page(context: Context, offer: Any, now: NowWork, ahead: AheadWork | None = None) -> str:
    """What the work makes of the page's click; nothing without one, and nothing while database or keys are missing.

    `ahead` is done instead, with the offer's slug, for a page that a browser fetches before anybody asked for it.
    """
    request = context.get("request")
    if request is None:
        complain("The tags of TikTok need the context processor django.template.context_processors.request.")
        return ""
    if getattr(request, AWAY, False):
        return ""
    try:
        with savepoint():
            return work_in_page(context, request, slug_of(context, offer), now, ahead)
    except (Error, SecretUnreadableError) as error:
        setattr(request, AWAY, True)
        logger.error("A page goes without its TikTok tags, as database or keys failed: %s", type(error).__name__)
        return ""


def work_in_page(context: Context, request: HttpRequest, slug: str, now: NowWork, ahead: AheadWork | None) -> str:
    click = click_of_page(request, slug)
    page = page_of(context, request)
    if ahead and isinstance(page, PageFetchedAhead):
        return ahead(page, click.offer.slug if click else slug)
    return now(page, click) if click else ""


def page_of(context: Context, request: HttpRequest) -> TaggedPage:
    """The page of the request, the same for all its tags."""
    page: TaggedPage | None = getattr(request, PAGE, None)
    if page is None:
        kind = PageFetchedAhead if is_fetched_ahead(request) else TaggedPage
        page = kind(request, nonce(context), clock.now())
        setattr(request, PAGE, page)
    return page


def savepoint() -> AbstractContextManager[Any]:
    """Spare the page's own transaction, if it has one, a failure of ours."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def slug_of(context: Context, offer: Any) -> str:
    """The slug of the offer that the tag or the context variable `offer` names, by itself or as an Offer."""
    named = offer or getattr(context.get("offer"), "slug", "")
    return text(getattr(named, "slug", named))


def text(value: Any) -> str:
    return "" if value is None else clean_text(written(value), LONGEST)


def nonce(context: Context) -> str:
    """The page's Content-Security-Policy nonce: that of django-csp, of Django 6, or the context's.

    It is lazy and false until somebody has read it, so it must be read to know whether there is one.
    """
    request = context["request"]
    found = (getattr(request, "csp_nonce", None), getattr(request, "_csp_nonce", None), context.get("csp_nonce"))
    return next((str(value) for value in found if value is not None and str(value)), "")


@lru_cache(maxsize=100)
def complain(message: str) -> None:
    """Say it once, not with every page view."""
    logger.warning(message)
