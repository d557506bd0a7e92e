"""An arrival: one Click out of one request, and the addresses it leads on to."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.http import HttpRequest, QueryDict

from conversions.identity import hide_inside, scrub_url
from conversions.models import Click, Consent
from conversions.models.click import TTCLID_LENGTH
from conversions.visitor import clean_text, client_ip, user_agent
from conversions.whereabouts import whereabouts
from offers.link_tokens import fill_tokens
from offers.models import Offer

MAX_URL = 8000
UNREPLACED_AD_MACRO = re.compile(r"^__[A-Z_]+__$")

# Our column: the query parameters that fill it, the first one given wins.
CLICK_PARAMETERS: dict[str, tuple[str, ...]] = {
    "ttclid": ("ttclid",),
    "utm_source": ("utm_source",),
    "utm_medium": ("utm_medium",),
    "utm_campaign": ("utm_campaign",),
    "utm_content": ("utm_content",),
    "utm_term": ("utm_term",),
    "campaign_id": ("campaign_id", "utm_id"),
    "adgroup_id": ("adgroup_id", "aid"),
    "ad_id": ("ad_id", "cid"),
    "creative_id": ("creative_id",),
    "placement": ("placement",),
    "landing_version": ("landing_version", "lv"),
    "variant": ("variant",),
}


def arrive(
    request: HttpRequest, offer: Offer, now: datetime, query: QueryDict | None = None, referrer: str | None = None
) -> Click:
    """An unsaved Click for this request, still without its landing URL.

    Query and referrer are the page's where a script calls for it.
    """
    query = request.GET if query is None else query
    referrer = request.META.get("HTTP_REFERER", "") if referrer is None else referrer
    country, region = whereabouts(request)
    click = Click(
        offer=offer,
        created_at=now,
        ip=client_ip(request),
        user_agent=user_agent(request),
        referrer=clean_text(scrub_url(referrer), MAX_URL),
        ttp=clean_text(request.COOKIES.get("_ttp", ""), 200),
        country=country,
        region=region,
        **click_columns(query),
    )
    consent = query.get("consent", "")
    if consent in (Consent.GRANTED, Consent.DENIED):
        click.consent, click.consent_at, click.consent_source = consent, now, "link"
    return click


def save_arrival(click: Click, page_url: str) -> str:
    """Store the click in one INSERT; the page's address with the click id in it."""
    page_url = with_click_id(page_url, click.pk)
    click.landing_url = clean_text(scrub_url(page_url), MAX_URL)
    click.save(force_insert=True)
    return page_url


def click_columns(query: QueryDict) -> dict[str, Any]:
    """Ids and UTM values of the query, cut to what the columns hold, without personal data."""
    names = [name for name in CLICK_PARAMETERS if name != "ttclid"]
    limits = {name: getattr(Click._meta.get_field(name), "max_length", 0) for name in names}
    values = {name: hide_inside(given(query, CLICK_PARAMETERS[name])) for name in names}
    return {"ttclid": ttclid_of(query), **{name: clean_text(values[name], limits[name]) for name in names}}


def ttclid_of(query: QueryDict) -> str:
    """The ttclid in the query as a click stores it; one that is too long is none."""
    ttclid = clean_text(given(query, CLICK_PARAMETERS["ttclid"]), TTCLID_LENGTH + 1)
    return ttclid if len(ttclid) <= TTCLID_LENGTH else ""


def given(query: QueryDict, parameters: tuple[str, ...]) -> str:
    """The first parameter with a value; an ad macro that TikTok left unreplaced is none."""
    values = (query.get(name, "") for name in parameters)
    return next((value for value in values if value and not UNREPLACED_AD_MACRO.match(value)), "")


def landing_url_of(click: Click, request: HttpRequest) -> str:
    """Where the tracking link leads: the landing page with the visitor's whole query, tokens filled in.

    An offer without a landing page has the tracking link itself as the page that TikTok is told of.
    """
    if not click.offer.landing_url:
        return request.build_absolute_uri()
    query = raw_query(request)
    landing_url = fill_tokens(click.offer.landing_url, token_values(click))
    return append_query(landing_url, query if len(query) <= MAX_URL else "")


def raw_query(request: HttpRequest) -> str:
    """The query to the letter. WSGI hands bytes over as latin-1; a few browsers leave UTF-8 unquoted."""
    return str(request.META.get("QUERY_STRING", "")).encode("latin-1", "replace").decode("utf-8", "replace")


def offer_url_of(click: Click) -> str:
    """The network's link with this click's id in the sub-id."""
    return fill_tokens(click.offer.offer_url, token_values(click))


def token_values(click: Click) -> dict[str, str]:
    """What the {tokens} stand for on this click."""
    columns = {name: getattr(click, name) for name in CLICK_PARAMETERS if name != "ttclid"}
    return {**columns, "click_id": click.pk, "offer": click.offer.slug}


def append_query(url: str, query: str) -> str:
    """The URL with a raw query string added behind its own."""
    parts = urlsplit(url)
    joined = "&".join(part for part in (parts.query, query) if part)
    return urlunsplit(parts._replace(query=joined))


def with_click_id(url: str, click_id: str) -> str:
    """The URL naming this click; the rest of its query stays to the letter, an older click id goes."""
    parts = urlsplit(url)
    kept = [part for part in parts.query.split("&") if part and not part.startswith("click_id=")]
    return urlunsplit(parts._replace(query="&".join([*kept, f"click_id={click_id}"])))
