from datetime import datetime, timedelta

from django.db import models
from django.db.models import F

EVERY = timedelta(seconds=5)
STALL = timedelta(seconds=45)  # longer than the longest task, with what may wait before it


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    def start(self, cluster: str, now: datetime) -> None:
        """Count from now: the cluster has just been started, or the database has been away."""
        self.update_or_create(cluster=cluster, defaults={"beat_at": now, "asked_at": None})

    def beat(self, cluster: str, now: datetime) -> None:
        """A task of this cluster was queued, taken, done and acknowledged. Written once per interval at most."""
        self.filter(cluster=cluster, beat_at__lt=now - EVERY / 2).update(beat_at=now)

    def any_alive(self, now: datetime) -> bool:
        """Whether a task of any cluster can be getting done."""
        return self.filter(beat_at__gte=now - STALL).exists()

    def note_restart(self, cluster: str) -> None:
        """Count a cluster that had to be started again, for operators."""
        self.filter(cluster=cluster).update(restarts=F("restarts") + 1)


class Heartbeat(models.Model):
    """The last sign of life of one worker cluster; every host has its own."""

    cluster = models.CharField(max_length=100, primary_key=True, help_text="The host's name, as `run_workers` sees it.")
    beat_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)
    restarts = models.PositiveIntegerField(default=0)

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.cluster}: beat at {self.beat_at:%H:%M:%S}"

    def wants_beat(self, now: datetime) -> bool:
        """Whether it is time to ask for the next one."""
        return self.asked_at is None or now - self.asked_at >= EVERY

    def has_stopped(self, now: datetime) -> bool:
        """Whether the last beat is so long ago that no task can be getting done."""
        return now - self.beat_at > STALL
