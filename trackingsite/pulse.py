"""The pulse: once a second, is anything due that nobody was woken for, and do the workers still work?"""

import os
import re
import secrets
import socket
import time
from datetime import datetime, timedelta

from django_q.models import Schedule, Task

from conversions.tasks import has_due_postbacks
from conversions.uploads.turns import has_unfinished_uploads
from conversions.wake import DIGEST, UPLOADS, put, queue
from dispatch import clock
from dispatch.models import Heartbeat
from dispatch.models.heartbeat import EVERY
from dispatch.rollups.tasks import EVERY_SECONDS, ROLL_UP
from dispatch.tasks import BEAT, SWEEP, WATCH, has_due_deliveries

PRUNE = "trackingsite.housekeeping.prune_some"
CLOCK = {SWEEP: 60.0, WATCH: 60.0, PRUNE: 600.0, ROLL_UP: EVERY_SECONDS}
"""What is due by time alone: each so many seconds, whatever the workers have had to do meanwhile."""
TIDY_EVERY_SECONDS = 60.0
GONE = timedelta(days=1)
FAILURES_KEPT = 1000
PROCESS = re.compile(r":(\d{1,9})(?::[0-9a-f]{4})?", re.ASCII)
"""What follows the host in the name of a cluster; earlier releases had the process alone."""


class Pulse:
    """The pulse of one cluster of workers. Raises django.db.Error or RedisError while database or queue are away.

    It is the one clock that work is started by. django-q2's own is off: a single malformed row in its table stops it.
    """

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self._due = dict.fromkeys(CLOCK, 0.0)
        self._tidy_at = 0.0

    def prepare(self) -> None:
        """What the workers find when they start, and again after database or queue were away."""
        queue().ping()
        forget_dead_neighbours(self.cluster)
        Heartbeat.objects.start(self.cluster, clock.now())

    def beat(self) -> bool:
        """Wake the workers for whatever is due, unless they are behind anyway. False when they do nothing any more.

        Two may wait and no more: a queue full of the pulse's own wake-ups would keep the real ones waiting.
        """
        if has_due_postbacks():
            put(DIGEST, enough=2)
        if has_due_deliveries():
            put(SWEEP, enough=2)
        if has_unfinished_uploads():
            put(UPLOADS, enough=2)
        self._go_by_the_clock(time.monotonic())
        return self._has_life(clock.now())

    def note_restart(self) -> None:
        """The cluster begins anew, and so does the time it has to give a sign of life."""
        Heartbeat.objects.start(self.cluster, clock.now())
        Heartbeat.objects.note_restart(self.cluster)

    def end(self) -> None:
        """The cluster was stopped on purpose: nobody needs to miss it."""
        Heartbeat.objects.filter(cluster=self.cluster).delete()

    def _go_by_the_clock(self, seconds: float) -> None:
        for task, every in CLOCK.items():
            if seconds >= self._due[task] and put(task):
                self._due[task] = seconds + every
        if seconds >= self._tidy_at:
            tidy(clock.now())
            self._tidy_at = seconds + TIDY_EVERY_SECONDS

    def _has_life(self, now: datetime) -> bool:
        heart = Heartbeat.objects.filter(cluster=self.cluster).first()
        if heart is None:  # somebody took it for one that is gone
            Heartbeat.objects.start(self.cluster, now)
            return True
        if heart.has_stopped(now):
            return False
        if heart.wants_beat(now) or is_late(heart, now):
            Heartbeat.objects.filter(cluster=self.cluster).update(asked_at=now)
            self._ask(1 if not is_late(heart, now) else Heartbeat.objects.count())
        return True

    def _ask(self, times: int) -> None:
        """Any cluster may take a beat; one that others are always faster than is asked with all of them at once."""
        for _ in range(times):
            put(BEAT)


def is_late(heart: Heartbeat, now: datetime) -> bool:
    return now - heart.beat_at > 2 * EVERY


def cluster_name() -> str:
    """The host and this process, as a host may run several, and this start of it.

    Containers of one image may agree in both, and one row for two clusters would hide that one of them is dead.
    """
    return f"{socket.gethostname()[:80]}:{os.getpid()}:{secrets.token_hex(2)}"


def forget_dead_neighbours(cluster: str) -> None:
    """Remove what supervisors that were killed have left behind on this host.

    A living one that is taken for dead, because another container has the same host name, makes its row anew.
    """
    host = cluster.rsplit(":", 2)[0]
    for name in Heartbeat.objects.filter(cluster__startswith=f"{host}:").values_list("cluster", flat=True):
        process = PROCESS.fullmatch(name.removeprefix(host))
        if process and name != cluster and not is_running(int(process[1])):
            Heartbeat.objects.filter(cluster=name).delete()


def is_running(pid: int) -> bool:
    """Whether another process has that number; the earlier one that had ours is gone."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def tidy(now: datetime) -> None:
    """Forget clusters that are gone, old failures, and the schedule that earlier releases made."""
    Heartbeat.objects.filter(beat_at__lt=now - GONE).delete()
    Schedule.objects.filter(name="sweep", func=SWEEP).delete()
    oldest_kept = Task.objects.order_by("-stopped").values_list("stopped", flat=True)[FAILURES_KEPT - 1 : FAILURES_KEPT]
    for stopped in oldest_kept:
        Task.objects.filter(stopped__lt=stopped).delete()


def bad_schedules() -> list[str]:
    """The names of rows in django-q2's table of schedules, for health checks: nothing runs them."""
    rows = Schedule.objects.exclude(name="sweep", func=SWEEP).order_by("pk").values_list("name", "pk")
    return [name or f"schedule {pk}" for name, pk in rows]
