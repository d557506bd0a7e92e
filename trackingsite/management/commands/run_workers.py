"""Run the workers and keep them running."""

import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, connection
from redis import RedisError

from trackingsite.environment import BASE_DIR
from trackingsite.pulse import prepare, pulse
from trackingsite.supervision import Child, Keeper, StopSignal, end_all

logger = logging.getLogger(__name__)

PULSE_SECONDS = 1.0
GRACE_SECONDS = 7.0
"""For tasks under way. Shorter than the ten seconds that quickstart and most service managers give us."""


class Command(BaseCommand):
    help = "Keep a django-q2 cluster running, in a process group of its own, and wake it for due work."

    def handle(self, *args: Any, **options: Any) -> None:
        command = [sys.executable, str(BASE_DIR / "manage.py"), "qcluster"]
        with StopSignal() as stop:
            Supervisor(command, prepare=prepare, pulse=pulse).run(stop)


class Supervisor:
    """Keeps the cluster running and gives it its pulse.

    When django-q2's guard dies, the cluster ends with exit code 0 and leaves workers behind that nobody guards.
    So every end counts, whatever the exit code, and the whole group is killed before a new one starts.
    """

    def __init__(self, command: Sequence[str], *, prepare: Callable[[], object], pulse: Callable[[], object]) -> None:
        self.keeper = Keeper(Child("qcluster", command))
        self._prepare = prepare
        self._pulse = pulse
        self._prepared = False
        self._database_away = False

    def run(self, stop: StopSignal) -> None:
        """Work until told to stop. Leaves no process behind."""
        try:
            self.keeper.start()
            while not stop.wait(PULSE_SECONDS):
                self.turn()
        finally:
            if end_all([self.keeper.child], grace=GRACE_SECONDS, hurry=lambda: stop.urgent):
                logger.warning("The cluster did not stop within %g s and was killed.", GRACE_SECONDS)

    def turn(self) -> None:
        news = self.keeper.tend()
        if news:
            logger.error(news)
        self.beat()

    def beat(self) -> None:
        """One pulse; none while the database or the broker is away, which is logged once."""
        try:
            if not self._prepared:
                self._prepare()
                self._prepared = True
            if self._pulse() is False:
                logger.error("The workers take tasks and do none. %s", self.keeper.clear_up())
        except (Error, RedisError) as error:
            connection.close()
            self._note_outage(error)
        else:
            self._note_answer()

    def _note_outage(self, error: Exception) -> None:
        if not self._database_away:
            logger.error("Database or broker away (%s); going on when it answers.", type(error).__name__)
        self._database_away = True
        self._prepared = False  # nobody could give a sign of life meanwhile

    def _note_answer(self) -> None:
        if self._database_away:
            logger.info("Database and broker answer again.")
        self._database_away = False
