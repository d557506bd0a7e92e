"""Once a minute: what is wrong now, what that means for spend, and who is told of it."""

import logging
from collections.abc import Callable
from datetime import datetime

from conversions.outage import is_outage
from dispatch.alerts.telling import tell
from dispatch.findings.current import current
from dispatch.scaling.deciding import decide_all

logger = logging.getLogger(__name__)


def look(now: datetime) -> int:
    """Find, decide and tell; how many things are wrong.

    Without findings nothing else is done: decisions stay unconfirmed and alerts open, as nobody knows how things are.
    """
    findings = current(now)
    attempt("Decisions on spend", lambda: decide_all(now, findings))
    attempt("Alerts", lambda: tell(findings, now))
    return len(findings)


def attempt(name: str, part: Callable[[], int]) -> None:
    """One part of the round; a fault in it is logged and stops no other."""
    try:
        part()
    except Exception as error:
        if is_outage(error):
            raise
        logger.exception("%s failed in this round.", name)
