"""Answers to a page's script: JSON that a page of another host may read, also where something is refused."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

RETRY_AFTER_SECONDS = 5
PREFLIGHT_SECONDS = 600


class RefusalError(Exception):
    """Why a call is not taken: the HTTP status, a code for scripts, a sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def reply(data: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), "application/json", status)


def no_content() -> HttpResponse:
    return HttpResponse(status=204)


def refused(error: RefusalError) -> HttpResponse:
    return reply({"code": error.code, "message": error.message}, error.status)


def database_away() -> HttpResponse:
    """503: the script may try again, which is harmless where the first try was stored after all."""
    error = RefusalError(503, "unavailable", "The site can't store this now. Please send it again.")
    response = refused(error)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def preflight() -> HttpResponse:
    """What a browser wants to hear before a POST that is not text/plain."""
    response = no_content()
    response["Access-Control-Allow-Methods"] = "POST"
    response["Access-Control-Allow-Headers"] = "Content-Type"
    response["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response


def open_to_the_page(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """Let the page read the answer, whatever its host: the cookie is SameSite=Lax, so strangers' pages carry none."""
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Origin"
    origin = request.headers.get("Origin", "")
    if origin.isascii() and origin.isprintable() and origin:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Credentials"] = "true"
    return response
