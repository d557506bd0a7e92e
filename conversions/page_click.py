"""Which click a rendered page belongs to; an arrival that no tracking link saw is registered here."""

from django.http import HttpRequest

from conversions import clock, configuration
from conversions.arrival import arrive, save_arrival, ttclid_of
from conversions.click_cookie import clicks_in
from conversions.click_ids import is_click_id
from conversions.models import Click
from offers.models import Offer

ATTRIBUTE = "tracking_click"


def click_of_page(request: HttpRequest, offer_slug: str = "") -> Click | None:
    """The click that this page view belongs to, the same for every tag of the page.

    The query's click id comes first, then the cookie's (unless the visitor has just come from another ad), then a new
    arrival at the offer. None when neither click nor offer is known.
    """
    if not hasattr(request, ATTRIBUTE):
        setattr(request, ATTRIBUTE, find_click(request, offer_slug) or register_arrival(request, offer_slug))
    click: Click | None = getattr(request, ATTRIBUTE)
    return click


def find_click(request: HttpRequest, offer_slug: str) -> Click | None:
    ids = [request.GET.get("click_id", ""), *clicks_in(request)]
    clicks = Click.objects.select_related("offer__pixel").in_bulk([key for key in ids if is_click_id(key)])
    known = [clicks[key] for key in ids if key in clicks]
    return next((click for click in known if fits(click, request, offer_slug)), None)


def fits(click: Click, request: HttpRequest, offer_slug: str) -> bool:
    """Whether the click is of this offer and no newer ad click stands in the address."""
    same_offer = not offer_slug or click.offer.slug == offer_slug
    return same_offer and ttclid_of(request.GET) in ("", click.ttclid)


def register_arrival(request: HttpRequest, offer_slug: str) -> Click | None:
    offer: Offer | None = configuration.offers.get(offer_slug) if offer_slug else None
    if offer is None:
        return None
    click = arrive(request, offer, clock.now())
    save_arrival(click, request.build_absolute_uri())
    return click
