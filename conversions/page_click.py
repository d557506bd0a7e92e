"""Which click a rendered page belongs to; an arrival that no tracking link saw is registered here."""

from django.http import HttpRequest

from conversions import clock, configuration
from conversions.arrival import arrive, save_arrival, ttclid_of
from conversions.click_cookie import clicks_in
from conversions.click_ids import is_click_id
from conversions.consent import record_answer
from conversions.models import Click, Consent
from conversions.pixel.arriving import inherited
from conversions.pixel.clicks import bring_up_to_date, news_of_browser
from conversions.robots import is_fetched_ahead, robot_of
from offers.models import Offer

ATTRIBUTE = "_tracking_clicks"


def click_of_page(request: HttpRequest, offer_slug: str = "") -> Click | None:
    """The click that this page view belongs to, the same for every tag of one offer on the page.

    The query's click id comes first, then the cookie's (unless the visitor has just come from another ad), then a new
    arrival at the offer. Without a slug it is the click of the page's first tag. None when neither click nor offer is
    known, and for a new arrival at a page that is fetched before anybody asked for it.
    """
    clicks: dict[str, Click | None] = request.__dict__.setdefault(ATTRIBUTE, {})
    if not offer_slug and clicks:
        return next(iter(clicks.values()))
    if offer_slug not in clicks:
        keep_out_of_caches(request)
        click = find_or_register(request, offer_slug)
        clicks[click.offer.slug if click else offer_slug] = click
        return click
    return clicks[offer_slug]


def clicks_used(request: HttpRequest) -> list[Click]:
    """The clicks that this request's tags belong to, the first one first."""
    return [click for click in getattr(request, ATTRIBUTE, {}).values() if click]


def keep_out_of_caches(request: HttpRequest) -> None:
    """Have Django's `cache_page` keep nothing of a page that is one visitor's."""
    request._cache_update_cache = False  # type: ignore[attr-defined]


def find_or_register(request: HttpRequest, offer_slug: str) -> Click | None:
    known = clicks_of_browser(request, offer_slug)
    click = next((click for click in known if is_same_visit(click, request)), None)
    if click is None:
        slug = offer_slug or (known[0].offer.slug if known else "")
        return None if is_fetched_ahead(request) else register_arrival(request, slug, known)
    if not robot_of(request):
        bring_up_to_date(click, news_of_browser(click, request, request.GET, request.COOKIES))
    return with_earlier_answer(click, known, request)


def clicks_of_browser(request: HttpRequest, offer_slug: str) -> list[Click]:
    """The clicks that the page's address and the cookie name; those of the offer where one is meant."""
    ids = [request.GET.get("click_id", ""), *clicks_in(request)]
    clicks = Click.objects.filter(erased_at=None).select_related("offer__pixel", "offer__network")
    found = clicks.in_bulk([key for key in ids if is_click_id(key)])
    known = [found[key] for key in dict.fromkeys(ids) if key in found]
    return [click for click in known if not offer_slug or click.offer.slug == offer_slug]


def is_same_visit(click: Click, request: HttpRequest) -> bool:
    """Whether the address names no other click on an ad than the one that led to this click.

    A click without one that the address names itself takes the ad click beside its name.
    """
    is_named = click.pk == request.GET.get("click_id") and not click.ttclid
    return is_named or ttclid_of(request.GET) in ("", click.ttclid)


def register_arrival(request: HttpRequest, offer_slug: str, known: list[Click]) -> Click | None:
    """Store the arrival."""
    offer: Offer | None = configuration.offers.get(offer_slug) if offer_slug else None
    if offer is None:
        return None
    click = arrive(request, offer, clock.now())
    save_arrival(click, request.build_absolute_uri())
    return with_earlier_answer(click, known, request)


def with_earlier_answer(click: Click, known: list[Click], request: HttpRequest) -> Click:
    """The click; where it has no answer about consent, the one at an earlier visit stands."""
    answer = inherited(click, known) if click.consent == Consent.UNKNOWN else None
    return (answer and record_answer(click.pk, *answer, request.build_absolute_uri(), clock.now())) or click
