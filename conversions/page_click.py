"""Which click a rendered page belongs to; an arrival that no tracking link saw is registered here."""

from datetime import datetime

from django.http import HttpRequest

from conversions import clock, configuration
from conversions.arrival import Visit, arrive, is_same_visit, save_arrival, visit_of, with_known_answer
from conversions.browser_news import bring_up_to_date, news_of_browser
from conversions.click_cookie import clicks_in
from conversions.click_ids import is_click_id
from conversions.earlier import clicks_brought
from conversions.models import Click
from conversions.robots import is_fetched_ahead, robot_of
from offers.models import Offer

ATTRIBUTE = "_tracking_clicks"
with_offers = Click.objects.select_related("offer__pixel", "offer__network")


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
    now = clock.now()
    known = clicks_brought(request.GET.get("click_id"), clicks_in(request), request, now, with_offers)
    visit = visit_of(request, known)
    mine = [click for click in known if not click.erased_at and offer_slug in ("", click.offer.slug)]
    click = next((click for click in mine if is_same_visit(click, request.GET)), None)
    if click is None:
        slug = offer_slug or (mine[0].offer.slug if mine else slug_of(request.GET.get("click_id")))
        return None if is_fetched_ahead(request) else register_arrival(request, slug, visit, now)
    if not robot_of(request):
        bring_up_to_date(click, news_of_browser(click, request, request.GET, request.COOKIES))
    return with_known_answer(click, visit, request.build_absolute_uri(), now)


def slug_of(click_id: str | None) -> str:
    """The offer of a click that is somebody else's; empty where there is no such click."""
    slugs = Click.objects.filter(pk=click_id, erased_at=None).values_list("offer__slug", flat=True)
    return slugs.first() or "" if click_id and is_click_id(click_id) else ""


def register_arrival(request: HttpRequest, offer_slug: str, visit: Visit, now: datetime) -> Click | None:
    """Store the arrival."""
    offer: Offer | None = configuration.offers.get(offer_slug) if offer_slug else None
    if offer is None:
        return None
    click = arrive(request, offer, now, visit)
    save_arrival(click, request.build_absolute_uri())
    return click
