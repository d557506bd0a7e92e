"""`POST /pixel/<offer>/<what>/`: what the script on a page tells us. docs/pixel.md describes the calls."""

import logging
from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest, HttpResponse

from conversions.outage import is_outage, leaving_a_standby
from conversions.pixel.answers import RefusalError, database_away, open_to_the_page, preflight, refused
from conversions.pixel.arriving import arrival
from conversions.pixel.calls import Call, read_call
from conversions.pixel.consents import consent
from conversions.pixel.events import event
from conversions.pixel.identifying import identify
from conversions.pixel.sightings import sighting

logger = logging.getLogger(__name__)

CALLS: dict[str, Callable[[Call], HttpResponse]] = {
    "arrival": arrival,
    "event": event,
    "sighting": sighting,
    "consent": consent,
    "identify": identify,
}


def beacon(request: HttpRequest, slug: str, what: str) -> HttpResponse:
    """One call of a page's script; whatever comes of it, the page may read the answer."""
    return open_to_the_page(answer(request, slug, what), request)


def answer(request: HttpRequest, slug: str, what: str) -> HttpResponse:
    if request.method == "OPTIONS":
        return preflight()
    try:
        with leaving_a_standby():
            return take(request, slug, what)
    except RefusalError as error:
        return refused(error)
    except Error as error:
        if not is_outage(error):
            raise
        logger.error("No answer from the database: %s", type(error).__name__)
        return database_away()


def take(request: HttpRequest, slug: str, what: str) -> HttpResponse:
    """Raises RefusalError and django.db.Error."""
    if what not in CALLS:
        raise RefusalError(404, "unknown_call", f"There is no such call; there are {', '.join(CALLS)}.")
    return CALLS[what](read_call(request, slug))
