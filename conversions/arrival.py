"""An arrival: one Click out of one request."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, QueryDict

from conversions.click_cookie import TTCLID_COOKIE, clicks_in
from conversions.click_ids import new_click_id
from conversions.consent import note
from conversions.destinations import MAX_URL, with_click_id
from conversions.identity import hide_inside, scrub_url
from conversions.inserting import PreparedInsert
from conversions.models import Click, Consent
from conversions.models.click import TTCLID_LENGTH
from conversions.robots import robot_of
from conversions.visitor import clean_text, client_ip, user_agent
from conversions.whereabouts import whereabouts
from offers.models import Offer

UNREPLACED_AD_MACRO = re.compile(r"^__[A-Z_]+__$")
insert = PreparedInsert(Click)
BLANK = {field.attname: field.get_default() for field in Click._meta.concrete_fields}

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
PLAIN_COLUMNS: list[tuple[str, tuple[str, ...], int]] = [
    (column, parameters, getattr(Click._meta.get_field(column), "max_length", 0))
    for column, parameters in CLICK_PARAMETERS.items()
    if column != "ttclid"
]


def arrive(
    request: HttpRequest,
    offer: Offer,
    now: datetime,
    query: QueryDict | None = None,
    referrer: str | None = None,
    cookies: Mapping[str, str] | None = None,
) -> Click:
    """An unsaved Click for this request, still without its landing URL. One query when it has to look for the ttclid.

    Query, referrer and cookies (ttclid, _ttp) are the page's where a script calls for it.
    """
    query = request.GET if query is None else query
    cookies = request.COOKIES if cookies is None else cookies
    referrer = request.META.get("HTTP_REFERER", "") if referrer is None else referrer
    country, region = whereabouts(request)
    click = make_click(
        offer,
        created_at=now,
        ttclid=ttclid_of(query) or ttclid_before(request, cookies),
        ip=client_ip(request),
        user_agent=user_agent(request),
        referrer=clean_text(scrub_url(referrer), MAX_URL),
        ttp=clean_text(cookies.get("_ttp", ""), 200),
        country=country,
        region=region,
        robot=robot_of(request),
        **click_columns(query),
    )
    consent = query.get("consent", "")
    if consent in (Consent.GRANTED, Consent.DENIED):
        click.consent, click.consent_at, click.consent_source = consent, now, "link"
    return click


def make_click(offer: Offer, **columns: Any) -> Click:
    """An unsaved Click with a new id. Its values go by position, for by name Django takes five times as long."""
    values: list[Any] = list({**BLANK, "id": new_click_id(), "offer_id": offer.pk, **columns}.values())
    click = Click(*values)  # type: ignore[misc]  # which knows names only
    click.offer = offer
    return click


def save_arrival(click: Click, page_url: str) -> str:
    """Store the click in one INSERT; the page's address with the click id in it.

    An answer about consent that comes along goes on record with it.
    """
    page_url = with_click_id(page_url, click.pk)
    click.landing_url = clean_text(scrub_url(page_url), MAX_URL)
    if click.consent == Consent.UNKNOWN:
        insert(click)
        return page_url
    with transaction.atomic():
        insert(click)
        note(click, page_url, click.created_at).save(force_insert=True)
    return page_url


def click_columns(query: QueryDict) -> dict[str, Any]:
    """Ids and UTM values of the query, cut to what the columns hold, without personal data."""
    values = ((column, given(query, parameters), limit) for column, parameters, limit in PLAIN_COLUMNS)
    return {column: clean_text(hide_inside(value), limit) for column, value, limit in values if value}


def ttclid_of(query: QueryDict) -> str:
    """The ttclid in the query as a click stores it; one that is too long is none."""
    return storable_ttclid(given(query, CLICK_PARAMETERS["ttclid"]))


def ttclid_before(request: HttpRequest, cookies: Mapping[str, str]) -> str:
    """The ttclid of this browser's last ad click: its cookie's, else that of its newest click."""
    kept = storable_ttclid(cookies.get(TTCLID_COOKIE, ""))
    newest = [] if kept else clicks_in(request)[:1]
    stored = Click.objects.filter(pk=newest[0]).values_list("ttclid", flat=True) if newest else [kept]
    return next(iter(stored), "")


def storable_ttclid(text: str) -> str:
    ttclid = clean_text(text, TTCLID_LENGTH + 1)
    return ttclid if len(ttclid) <= TTCLID_LENGTH else ""


def given(query: QueryDict, parameters: tuple[str, ...]) -> str:
    """The first parameter with a value; an ad macro that TikTok left unreplaced is none."""
    for name in parameters:
        value = str(query[name]) if name in query else ""
        if value and not (value.startswith("__") and UNREPLACED_AD_MACRO.match(value)):
            return value
    return ""
