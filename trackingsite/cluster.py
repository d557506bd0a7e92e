"""django-q2's cluster as we run it: it ends as a whole when one of its processes is killed, and gives signs of life.

Its processes share queues by locks. Whoever is killed while holding one leaves it locked, such as the idle worker that
waits for a task, and those that replace it wait for ever. Only a new cluster is sure to work (django-q2 issue 23).
"""

import logging
import os
import signal
import time
from types import FrameType
from typing import Any

from django.db import Error, connection
from django_q import cluster
from django_q.signals import post_execute

from dispatch import clock
from dispatch.models import Heartbeat
from dispatch.models.heartbeat import EVERY
from dispatch.sender import Sender
from trackingsite.supervision import tie_to_parents

logger = logging.getLogger(__name__)


def run(name: str) -> None:
    """Run a cluster that notes its signs of life under this name; returns once it runs, and ends with the process."""
    tie_to_parents()
    post_execute.connect(LifeSigns(name).note, weak=False)
    cluster.Sentinel = WholeSentinel
    cluster.Cluster().start()


class WholeSentinel(cluster.Sentinel):  # type: ignore[misc]
    """The cluster's guard; it replaces workers that end by themselves, and ends when one of its processes is killed."""

    def start(self) -> None:
        signal.signal(signal.SIGCHLD, self.look)
        Sender.is_stopping = staticmethod(self.stop_event.is_set)  # type: ignore[method-assign] # workers are forks
        super().start()

    def look(self, signum: int, frame: FrameType | None) -> None:
        """Not left to the guard's own round, in which it may wait for a lock of the very process that was killed."""
        if os.getpid() != self.pid or self.stop_event.is_set():
            return
        processes = [process for process in (*self.pool, self.monitor, self.pusher) if process]
        if any((process.exitcode or 0) < 0 for process in processes):
            logger.error("A process of the cluster was killed.")
            os._exit(1)  # the others follow


class LifeSigns:
    """Notes that a task was done and acknowledged, which takes pusher, worker and monitor together."""

    def __init__(self, cluster_name: str) -> None:
        self.cluster_name = cluster_name
        self._due_at = 0.0

    def note(self, **kwargs: Any) -> None:
        """Runs in the monitor after each task, and never fails: that would end the monitor."""
        if time.monotonic() < self._due_at:
            return
        try:
            Heartbeat.objects.beat(self.cluster_name, clock.now())
        except Error:
            connection.close()
        else:
            self._due_at = time.monotonic() + EVERY.total_seconds() / 2
