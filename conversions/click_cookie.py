"""First-party cookies that the server sets: browsers let them live, where those of a script end after days.

`click_id` has the clicks of this browser, the newest first: several offers, several tabs. `ttclid` is TikTok's id of
the last ad click, for TikTok's Pixel to read, and stands there only where TikTok may be told.
"""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from conversions.click_ids import is_click_id
from conversions.models import Click

CLICK_COOKIE = "click_id"
TTCLID_COOKIE = "ttclid"
COOKIE_SECONDS = 30 * 24 * 3600
CLICKS_KEPT = 6
COOKIE_VALUE = re.compile(r"[!-~]+")  # a visitor's address may bring anything else, which no header can carry


def clicks_in(request: HttpRequest) -> list[str]:
    """The click ids in the browser's cookie, the newest first."""
    kept = request.COOKIES.get(CLICK_COOKIE)
    return [key for key in kept.split(".")[:CLICKS_KEPT] if is_click_id(key)] if kept else []


def remember(request: HttpRequest, response: HttpResponseBase, *clicks: Click) -> None:
    """Put the clicks in front, the first one first, and keep their ttclid; robots are given no cookies.

    Where they stand in front already, in any order, they stay as they are, and the ttclid is the first one's.
    """
    visits = [click for click in clicks if not click.robot]
    keys, known = [click.pk for click in visits], clicks_in(request)
    if set(known[: len(keys)]) == set(keys):
        visits = visits[:1]
    else:
        others = [key for key in known if key not in keys]
        keep(response, CLICK_COOKIE, ".".join([*keys, *others][:CLICKS_KEPT]), httponly=True)
    for click in reversed(visits):
        remember_ttclid(request, response, click)


def remember_ttclid(request: HttpRequest, response: HttpResponseBase, click: Click) -> None:
    """Keep the click's ttclid if TikTok may be told of it; what an older ad click left does not outlive a refusal."""
    kept = request.COOKIES.get(TTCLID_COOKIE, "")
    if click.has_consent:
        if click.ttclid != kept and COOKIE_VALUE.fullmatch(click.ttclid):
            keep(response, TTCLID_COOKIE, click.ttclid, httponly=False)
    elif kept and (click.has_refused or click.ttclid not in ("", kept)):
        response.delete_cookie(TTCLID_COOKIE, domain=settings.COOKIE_DOMAIN or None, samesite="Lax")


def keep(response: HttpResponseBase, name: str, value: str, httponly: bool) -> None:
    """Set a cookie by its age alone, for the date that Django adds takes as long as all the rest."""
    response.cookies[name] = value
    response.cookies[name].update(
        {
            "max-age": COOKIE_SECONDS,
            "path": "/",
            "domain": settings.COOKIE_DOMAIN,
            "samesite": "Lax",
            "secure": settings.IS_HTTPS,
            "httponly": httponly,
        }
    )
