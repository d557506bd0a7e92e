"""One call of a page's script: which offer, which page, what it says."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, QueryDict

from conversions import clock, configuration
from conversions.pixel.answers import RefusalError
from conversions.pixel.bodies import Body, bad_request, host_of, query_of, read_object, url_of
from conversions.pixel.strangers import tally
from offers.models import Offer


@dataclass(frozen=True)
class Call:
    """What a page's script said, of a page that may run it."""

    request: HttpRequest
    offer: Offer
    body: Body
    url: str
    """The page's address; that of its site where the page has none."""
    now: datetime

    @cached_property
    def query(self) -> QueryDict:
        """The parameters in the page's address."""
        return query_of(self.url)


def read_call(request: HttpRequest, slug: str) -> Call:
    """Raises RefusalError for an offer without a script, what can't be read and pages that are none of the offer's."""
    if request.method != "POST":
        raise RefusalError(405, "bad_method", "Send it as a POST.")
    offer = configuration.offers.get(slug)
    if offer is None:
        raise RefusalError(404, "unknown_offer", "There is no active offer of this name.")
    body, now = read_object(request), clock.now()
    url, origin = url_of(body, "url"), request.headers.get("Origin", "")
    hosts = set(filter(None, [host_of(url), host_of(origin)]))
    strange = next((host for host in hosts if not is_page_of(offer, host, request)), None)
    if strange:
        tally.count(offer, strange, now)
    if strange and offer.refuses_strange_pages:
        raise strange_page(strange)
    if not hosts:
        raise bad_request("“url” has to be the address of the page: location.href.")
    return Call(request, offer, body, url or f"{origin}/", now)


def is_page_of(offer: Offer, host: str, request: HttpRequest) -> bool:
    """Whether pages of this host are known to be the offer's; those of this site are."""
    return offer.has_page_on(host) or host in (host_of(settings.PUBLIC_BASE_URL), own_host(request))


def own_host(request: HttpRequest) -> str:
    """The host that the call came to, when it is one of ours."""
    try:
        return host_of(f"http://{request.get_host()}")
    except DisallowedHost:
        return ""


def strange_page(host: str) -> RefusalError:
    words = f"{host[:253]} is no host of this offer's pages. Add it to “hosts of your pages” in the offer if it is one."
    return RefusalError(403, "strange_page", words)
