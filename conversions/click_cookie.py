"""The first-party cookie with the clicks of this browser, the newest first: several offers, several tabs."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from conversions.click_ids import is_click_id
from conversions.models import Click

CLICK_COOKIE = "click_id"
COOKIE_SECONDS = 30 * 24 * 3600
CLICKS_KEPT = 6


def clicks_in(request: HttpRequest) -> list[str]:
    """The click ids in the browser's cookie, the newest first."""
    return [key for key in request.COOKIES.get(CLICK_COOKIE, "").split(".")[:CLICKS_KEPT] if is_click_id(key)]


def remember(request: HttpRequest, response: HttpResponseBase, click: Click) -> None:
    """Put the click in front. Browsers let a cookie live that the server sets; one of a script ends after days."""
    others = [key for key in clicks_in(request) if key != click.pk]
    response.set_cookie(
        CLICK_COOKIE,
        ".".join([click.pk, *others][:CLICKS_KEPT]),
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.IS_HTTPS,
        domain=settings.COOKIE_DOMAIN or None,
    )
