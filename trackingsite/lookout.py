"""The lookout: sends alerts past the workers' queue, and looks over the site itself when no worker does."""

import logging
import threading
from datetime import datetime, timedelta

from django.db import connection

from dispatch import clock
from dispatch.alerts.sending import send_due
from dispatch.alerts.telling import tell
from dispatch.findings.current import current
from dispatch.findings.finding import Code
from dispatch.findings.queue import nobody_looks
from dispatch.models import Watch
from dispatch.scaling.deciding import decide_all
from dispatch.watching import attempt

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 10.0
PATIENCE = timedelta(minutes=3)
"""The workers look over the site once a minute; for so long they may not have."""
PATIENCE_OF_WEB = timedelta(minutes=4)
"""Longer, as the supervisor of the workers is the first to stand in."""
EVERY = timedelta(seconds=60)


class Lookout(threading.Thread):
    """A thread of the workers' supervisor, and one of each web process, which stands in when all of those are gone.

    It ends with its process. Whatever happens in it is logged and harms nothing else. It holds `busy` while it looks:
    whoever forks waits for that, as a lock that another thread holds stays locked in the child.
    """

    def __init__(self, patience: timedelta = PATIENCE, sends: bool = True) -> None:
        super().__init__(name="lookout", daemon=True)
        self.stopping = threading.Event()
        self.busy = threading.Lock()
        self._patience = patience
        self._sends = sends
        self._since: datetime | None = None
        self._own_look: datetime | None = None
        self._absent_since: datetime | None = None

    def run(self) -> None:
        while not self.stopping.wait(LOOK_EVERY_SECONDS):
            with self.busy:
                self.look_safely()

    def look_safely(self) -> None:
        try:
            self.look(clock.now())
        except Exception:  # the thread must outlive whatever a check or the database does
            logger.exception("The lookout could not look; it goes on.")
        finally:
            connection.close()

    def look(self, now: datetime) -> None:
        """Stand in where nobody else looks over the site; send what is to be told."""
        last = Watch.objects.values_list("looked_at", flat=True).first()
        self._since = self._since or now
        stands_in = last is not None and last == self._own_look
        seen = max(last or self._since, self._since)
        if now - seen >= (EVERY if stands_in else self._patience):
            self._absent_since = self._absent_since if stands_in and self._absent_since else seen
            self.stand_in(now, self._absent_since)
            stands_in = True
        if self._sends or stands_in:
            send_due(now)

    def stand_in(self, now: datetime, since: datetime) -> None:
        """What the workers' task `watch` does, with the workers' own absence among the findings."""
        findings = current(now)
        if not any(finding.code == Code.WORKERS_STOPPED for finding in findings):
            findings = [nobody_looks(now, since), *findings]
        attempt("Decisions on spend", lambda: decide_all(now, findings))
        tell(findings, now)
        self._own_look = now


def watch_from_the_web() -> None:
    """Start the lookout of a web process: when all supervisors are gone, somebody still has to tell."""
    Lookout(PATIENCE_OF_WEB, sends=False).start()
