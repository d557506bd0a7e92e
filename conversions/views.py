"""The two links: into our tracking, and out to the network's offer."""

import time

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.encoding import iri_to_uri
from django.views.decorators.http import require_safe

from conversions import clock, configuration
from conversions.arrival import arrive, is_same_visit, save_arrival, visit_of
from conversions.browser_news import bring_up_to_date, news_of_visitor
from conversions.caps import with_room
from conversions.click_cookie import clicks_in, remember
from conversions.click_ids import is_click_id
from conversions.destinations import landing_url_of, offer_url_of, outbound_url_of
from conversions.earlier import clicks_brought
from conversions.models import Click
from conversions.outage import is_outage, leaving_a_standby
from conversions.unrecorded import landing_without_click, outage
from offers.models import Offer

running = Click.objects.select_related("offer").filter(offer__is_active=True)


@require_safe
def tracking_link(request: HttpRequest, slug: str) -> HttpResponse:
    """`GET /c/<offer>/`: store the click, then 302 to the landing page, or straight to the offer.

    While the database is away it is the landing page without a click. Raises django.db.Error where there is none.
    """
    if outage.rests() and (url := landing_without_click(request, slug)):
        outage.log("at rest")
        return redirect(url)
    began = time.monotonic()
    try:
        with leaving_a_standby():
            return recorded(request, slug)
    except Error as error:
        url = landing_without_click(request, slug) if is_outage(error) else ""
        if not url:
            raise
        outage.note(error, began)
        return redirect(url)


def recorded(request: HttpRequest, slug: str) -> HttpResponse:
    offer = offer_of(slug)
    click = arrive_with_room(request, offer)
    landing_url = save_arrival(click, landing_url_of(click, request))
    response = redirect(landing_url if click.offer.landing_url else offer_url_of(click))
    remember(request, response, click)
    return response


@require_safe
def outbound_link(request: HttpRequest, name: str) -> HttpResponse:
    """`GET /go/<click>/`: 302 to the network's offer with the click id in its sub-id.

    `GET /go/<offer>/`, for pages where nothing knows the click: by this browser's click of that offer, else a new one.
    """
    click = running.filter(pk=name).first() if is_click_id(name) else None
    if click is None:
        offer = offer_of(name)
        click = click_of_browser(request, offer)
    if click is None:
        return outbound_arrival(request, offer)
    bring_up_to_date(click, news_of_visitor(click, request))
    return redirect(outbound_url_of(click, request))


def click_of_browser(request: HttpRequest, offer: Offer) -> Click | None:
    """The newest click of the offer in the cookie, unless the address names another click on an ad."""
    keys = clicks_in(request)
    click = running.filter(pk__in=keys, offer=offer, erased_at=None).first() if keys else None
    return click if click and is_same_visit(click, request.GET) else None


def outbound_arrival(request: HttpRequest, offer: Offer) -> HttpResponse:
    """The first that is seen of a visitor; this link is the page that TikTok is told of."""
    click = arrive_with_room(request, offer)
    save_arrival(click, request.build_absolute_uri())
    response = redirect(outbound_url_of(click, request))
    remember(request, response, click)
    return response


def offer_of(slug: str) -> Offer:
    """The active offer. Raises Http404."""
    offer = configuration.offers.get(slug)
    if offer is None:
        raise Http404
    return offer


def arrive_with_room(request: HttpRequest, offer: Offer) -> Click:
    """An unsaved click of the offer, or of what stands in for it while it is full."""
    now = clock.now()
    standing = with_room(offer, now)
    known = clicks_brought("", clicks_in(request), request, now)
    click = arrive(request, standing, now, visit_of(request, known))
    if standing is not offer:
        click.capped_offer = offer
    return click


def redirect(url: str) -> HttpResponse:
    """302 to an address that staff configured, never one that the visitor brought; not to be cached."""
    headers = {
        "Location": iri_to_uri(url),
        "Cache-Control": "no-store",
        "Referrer-Policy": "strict-origin-when-cross-origin",  # networks look at where a visitor came from
    }
    return HttpResponse(status=302, headers=headers)
