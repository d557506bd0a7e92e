"""The two things that happen around a view: a short way for hot paths, a plain answer when the database is away."""

import logging
import select
from collections.abc import Callable
from typing import Any

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import resolve

from conversions.outage import is_outage, is_read_only
from offers.encryption import SecretUnreadableError

logger = logging.getLogger(__name__)

HOT_PREFIXES = ("/c/", "/go/", "/postback/", "/pixel/", "/healthz", "/readyz", "/metrics")
RETRY_AFTER_SECONDS = 5

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class DatabaseAwayMiddleware:
    """Answers 503 with Retry-After when the database can't be reached, so that the sender tries again."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return database_away(error) if is_outage(error) else None


class HotPathMiddleware:
    """Runs tracking links and postbacks without session, CSRF and authentication work."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(HOT_PREFIXES):
            return self.get_response(request)
        spare_health_check()
        match = resolve(request.path_info)
        request.resolver_match = match
        try:
            return rendered(match.func(request, *match.args, **match.kwargs))
        except SecretUnreadableError as error:
            return database_away(error)
        except Error as error:
            if not is_outage(error):
                raise
            return database_away(error)


def spare_health_check() -> None:
    """Let a kept connection on which the server has said nothing pass for a good one, without Django's `SELECT 1`.

    A server that stops, and one that ends a session, closes the connection, and then there is something to read.
    """
    database: Any = connection  # whose types leave out the health check
    kept = database.connection
    if kept is not None and database.vendor == "postgresql" and not kept.closed:
        poll = select.poll()
        poll.register(kept.fileno(), select.POLLIN)
        database.health_check_done = not poll.poll(0)


def rendered(response: HttpResponseBase) -> HttpResponseBase:
    """A lazy response, as DRF's are, rendered here because Django's own handler never sees it."""
    return response.render() if isinstance(response, SimpleTemplateResponse) else response


def database_away(error: Exception) -> HttpResponse:
    """503: the caller must try again, which is harmless where the first try was stored after all."""
    logger.error("No answer from the database: %s", type(error).__name__)
    if is_read_only(error):
        connection.close()  # the next one may lead to the new primary
    response = HttpResponse("Temporarily unavailable; please send it again.\n", "text/plain", 503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
