"""Remembers the clicks of rendered pages, so that a page which is opened again is no second arrival."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

from conversions.click_cookie import remember
from conversions.page_click import clicks_used

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class ClickCookieMiddleware:
    """Sets the click cookie where the page's tags used a click that does not stand in front of it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        clicks = clicks_used(request)
        if clicks:
            remember(request, response, *clicks)
            keep_private(response)
        return response


def keep_private(response: HttpResponseBase) -> None:
    """The page carries one visitor's ids: no shared cache may keep it, unless the page says otherwise."""
    patch_vary_headers(response, ["Cookie"])
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private"
