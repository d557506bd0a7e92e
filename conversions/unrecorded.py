"""Visitors of the tracking link while the database is away: led on, without a record, by what was known last."""

import logging
import time
from dataclasses import dataclass

from django.http import HttpRequest

from conversions import caps, configuration
from conversions.arrival import click_columns
from conversions.destinations import landing_url_of, without_click_id
from conversions.models import Click

logger = logging.getLogger(__name__)
LOG_EVERY_SECONDS = 5.0
SLOW_SECONDS = 1.0
LONGEST_REST = 5.0


@dataclass
class Outage:
    """What this process knows of a database that does not answer, on the monotonic clock."""

    rests_until: float = 0.0
    logged_at: float = -LOG_EVERY_SECONDS
    visitors: int = 0
    """Led on since the last line in the log."""

    def rests(self) -> bool:
        """Whether the database is left alone: for as long as it took to find out that it is away, if that was long."""
        return time.monotonic() < self.rests_until

    def note(self, error: Exception, began: float) -> None:
        """The database did not answer somebody who began to ask then."""
        now = time.monotonic()
        if now - began > SLOW_SECONDS:
            self.rests_until = now + min(now - began, LONGEST_REST)
        self.log(type(error).__name__)

    def log(self, reason: str) -> None:
        """One line for many visitors."""
        self.visitors += 1
        if time.monotonic() < self.logged_at + LOG_EVERY_SECONDS:
            return
        logger.error("No answer from the database: %s; %d led on without a record", reason, self.visitors)
        self.logged_at, self.visitors = time.monotonic(), 0


outage = Outage()


def landing_without_click(request: HttpRequest, slug: str) -> str:
    """The landing page with the visitor's query, whose script registers the arrival later.

    Empty where this process has not seen the offer yet, and where it has no landing page.
    """
    asked_for = configuration.offers.last_known(slug)
    offer = caps.last_with_room(asked_for) if asked_for else None
    if offer is None or not offer.landing_url:
        return ""
    return without_click_id(landing_url_of(Click(id="", offer=offer, **click_columns(request.GET)), request))
