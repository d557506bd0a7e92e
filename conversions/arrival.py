"""An arrival: one Click out of one request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, QueryDict

from conversions.ad_macros import is_left, is_no_ttclid
from conversions.click_cookie import TTCLID_COOKIE
from conversions.click_ids import new_click_id
from conversions.consent import note, record_answer
from conversions.destinations import MAX_URL, with_click_id
from conversions.earlier import Answer, answer_on_arrival
from conversions.identity import hide_inside, scrub_url
from conversions.inserting import PreparedInsert
from conversions.models import Click, Consent
from conversions.models.click import TTCLID_LENGTH
from conversions.robots import robot_of
from conversions.visitor import clean_text, client_ip, user_agent
from conversions.whereabouts import whereabouts
from offers.models import Offer

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


@dataclass(frozen=True)
class Visit:
    """Where somebody arrives; a page's own where its script calls for it."""

    query: QueryDict
    referrer: str
    cookies: Mapping[str, str]
    """TikTok's: ttclid, _ttp."""
    known: list[Click]
    """What the browser brings along."""
    remembered: Any = ""
    """The page's word about an answer before."""


def visit_of(request: HttpRequest, known: list[Click]) -> Visit:
    """The visit that the request itself is, with the clicks that the browser brings along."""
    return Visit(request.GET, request.META.get("HTTP_REFERER", ""), request.COOKIES, known)


def arrive(request: HttpRequest, offer: Offer, now: datetime, visit: Visit) -> Click:
    """An unsaved Click for this request, still without its landing URL, with the answer about consent that is known."""
    ip = client_ip(request)
    country, region = whereabouts(request, ip)
    click = make_click(
        offer,
        created_at=now,
        ttclid=ttclid_of(visit.query) or ttclid_before(visit),
        ip=ip,
        user_agent=user_agent(request),
        referrer=clean_text(scrub_url(visit.referrer), MAX_URL),
        ttp=clean_text(visit.cookies.get("_ttp", ""), 200),
        country=country,
        region=region,
        robot=robot_of(request),
        **click_columns(visit.query),
    )
    answer = known_answer(click, visit)
    if answer:
        click.consent, click.consent_source, click.consent_at = *answer, now
    return click


def with_known_answer(click: Click, visit: Visit, page_url: str, now: datetime) -> Click:
    """A stored click; one without an answer about consent, as a tracking link has just made it, takes what is known."""
    answer = known_answer(click, visit) if click.consent == Consent.UNKNOWN else None
    return (answer and record_answer(click.pk, *answer, page_url, now)) or click


def known_answer(click: Click, visit: Visit) -> Answer | None:
    return answer_on_arrival(click, visit.known, visit.query.get("consent"), visit.remembered)


def is_same_visit(click: Click, query: QueryDict) -> bool:
    """Whether the page's address names no other click on an ad than the one that led to this click.

    A click without one that the address names itself takes the one beside its name.
    """
    is_named = click.pk == query.get("click_id") and not click.ttclid
    return is_named or ttclid_of(query) in ("", click.ttclid)


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


def ttclid_before(visit: Visit) -> str:
    """The ttclid of this browser's last ad click: its cookie's, else its newest click's. Not a refused click's."""
    kept = storable_ttclid(visit.cookies.get(TTCLID_COOKIE, ""))
    ttclid = kept or next((click.ttclid for click in visit.known), "")
    return "" if ttclid in [click.ttclid for click in visit.known if click.has_refused] else ttclid


def storable_ttclid(text: str) -> str:
    """Empty for what is too long, or a macro, as a page may have put it into the cookie."""
    ttclid = clean_text(text, TTCLID_LENGTH + 1)
    return ttclid if len(ttclid) <= TTCLID_LENGTH and ttclid and not is_no_ttclid(ttclid) else ""


def given(query: QueryDict, parameters: tuple[str, ...]) -> str:
    """The first parameter with a value; an ad macro that TikTok left unreplaced is none."""
    for name in parameters:
        value = str(query[name]) if name in query else ""
        if value and not is_left(name, value):
            return value
    return ""
