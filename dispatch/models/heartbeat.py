from datetime import datetime, timedelta

from django.db import models

EVERY = timedelta(seconds=10)
STALL = timedelta(seconds=90)  # longer than the longest task, with what may wait before it


class Heartbeat(models.Model):
    """The last sign of life of the workers. It is a task like any other, so it proves that tasks get done."""

    beat_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Beat at {self.beat_at:%H:%M:%S}"

    @classmethod
    def start(cls, now: datetime) -> None:
        """Count from now: the workers have just been started, or the database has been away."""
        cls.objects.update_or_create(pk=1, defaults={"beat_at": now, "asked_at": None})

    def wants_beat(self, now: datetime) -> bool:
        """Whether it is time to ask for the next one."""
        return self.asked_at is None or now - self.asked_at >= EVERY

    def has_stopped(self, now: datetime) -> bool:
        """Whether the last beat is so long ago that no task can be getting done."""
        return now - self.beat_at > STALL
