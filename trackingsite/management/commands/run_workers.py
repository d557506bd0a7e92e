"""Run the workers and keep them running."""

import logging
import signal
import sys
from typing import Any, Protocol

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection
from redis import RedisError

from trackingsite.checks import MAKE_STATE_WRITABLE, NO_STATE
from trackingsite.disks import unwritable_state
from trackingsite.environment import BASE_DIR
from trackingsite.lookout import Lookout
from trackingsite.pulse import Pulse, cluster_name
from trackingsite.supervision import Child, Keeper, StopSignal, end_all

logger = logging.getLogger(__name__)

PULSE_SECONDS = 1.0
GRACE_SECONDS = 7.0
"""For tasks under way. Shorter than the ten seconds that quickstart and most service managers give us."""
CALM_SECONDS = 2.0


class Command(BaseCommand):
    help = "Keep a django-q2 cluster running, in a process group of its own, and wake it for due work."

    def handle(self, *args: Any, **options: Any) -> None:
        path = unwritable_state()
        if path:
            raise CommandError(f"{path} can't be written to: {NO_STATE} {MAKE_STATE_WRITABLE}")
        name = cluster_name()
        command = [sys.executable, str(BASE_DIR / "manage.py"), "worker_cluster", name]
        with StopSignal() as stop:
            lookout = Lookout()
            lookout.start()
            # Not asked to end in order when we are killed: with nobody to watch it, it might never come to an end.
            child = CalmChild(lookout, "workers", command, when_orphaned=signal.SIGKILL)
            Supervisor(child, Pulse(name)).run(stop)


class CalmChild(Child):
    """A child that is started while the lookout, this process's other thread, does nothing.

    It is not waited for longer than a moment: a webhook or a mail server that hangs must not keep workers from work.
    """

    def __init__(self, lookout: Lookout, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lookout = lookout

    def start(self) -> None:
        is_calm = self._lookout.busy.acquire(timeout=CALM_SECONDS)
        try:
            super().start()
        finally:
            if is_calm:
                self._lookout.busy.release()


class Beating(Protocol):
    """What a supervisor needs of a pulse; see there."""

    def prepare(self) -> None: ...
    def beat(self) -> bool: ...
    def note_restart(self) -> None: ...
    def end(self) -> None: ...


class Supervisor:
    """Keeps the cluster running and gives it its pulse.

    It waits for a database or queue that is away, at start too, for as long as that takes: a worker host may be up
    before them, nothing is lost meanwhile, and whoever starts it by hand reads the reason. (quickstart, which has to
    prepare the database, ends instead.) When the cluster ends, for whatever reason and with whatever exit code, what
    is left of its group is killed before a new one starts.
    """

    def __init__(self, child: Child, pulse: Beating) -> None:
        self.keeper = Keeper(child)
        self._pulse = pulse
        self._started = False
        self._prepared = False
        self._away = False
        self._uncounted = 0

    def run(self, stop: StopSignal) -> None:
        """Work until told to stop. Leaves no process behind."""
        try:
            self.turn()
            while not stop.wait(PULSE_SECONDS):
                self.turn()
        finally:
            if end_all([self.keeper.child], grace=GRACE_SECONDS, hurry=lambda: stop.urgent):
                logger.warning("The cluster did not stop within %g s and was killed.", GRACE_SECONDS)
            self._say_goodbye()

    def turn(self) -> None:
        """Look after the cluster, and give one pulse; none while the database or the queue is away."""
        news = self.keeper.tend() if self._started else ""
        if news:
            logger.error(news)
            self._uncounted += 1
        try:
            self._beat()
        except (Error, RedisError) as error:
            connection.close()
            self._note_outage(error)
        else:
            self._note_answer()

    def _beat(self) -> None:
        if not self._prepared:
            self._pulse.prepare()
            self._prepared = True
        if not self._started:
            self.keeper.start()
            self._started = True
        if not self._pulse.beat():
            logger.error("The workers get nothing done any more. %s", self.keeper.clear_up())
            self._uncounted += 1
        while self._uncounted:
            self._pulse.note_restart()
            self._uncounted -= 1

    def _note_outage(self, error: Exception) -> None:
        if not self._away:
            logger.error("Database or queue away (%s); going on when it answers.", type(error).__name__)
        self._away = True
        self._prepared = False  # nobody could give a sign of life meanwhile

    def _note_answer(self) -> None:
        if self._away:
            logger.info("Database and queue answer again.")
        self._away = False

    def _say_goodbye(self) -> None:
        try:
            if self._prepared:
                self._pulse.end()
        except (Error, RedisError) as error:
            logger.warning("The heartbeat's row is left for others to forget (%s).", type(error).__name__)
