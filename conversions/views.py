"""The two links: into our tracking, and out to the network's offer."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.encoding import iri_to_uri
from django.views.decorators.http import require_safe

from conversions import clock, configuration
from conversions.arrival import arrive, save_arrival
from conversions.click_cookie import remember
from conversions.destinations import landing_url_of, offer_url_of
from conversions.models import Click


@require_safe
def tracking_link(request: HttpRequest, slug: str) -> HttpResponse:
    """`GET /c/<offer>/`: store the click, then 302 to the landing page, or straight to the offer."""
    offer = configuration.offers.get(slug)
    if offer is None:
        raise Http404
    click = arrive(request, offer, clock.now())
    landing_url = save_arrival(click, landing_url_of(click, request))
    response = redirect(landing_url if offer.landing_url else offer_url_of(click))
    remember(request, response, click)
    return response


@require_safe
def outbound_link(request: HttpRequest, click_id: str) -> HttpResponse:
    """`GET /go/<click>/`: 302 to the network's offer with the click id in its sub-id."""
    click = Click.objects.select_related("offer").filter(pk=click_id, offer__is_active=True).first()
    if click is None:
        raise Http404
    return redirect(offer_url_of(click))


def redirect(url: str) -> HttpResponse:
    """302 to an address that staff configured, never one that the visitor brought; not to be cached."""
    headers = {
        "Location": iri_to_uri(url),
        "Cache-Control": "no-store",
        "Referrer-Policy": "strict-origin-when-cross-origin",  # networks look at where a visitor came from
    }
    return HttpResponse(status=302, headers=headers)
