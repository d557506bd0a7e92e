"""The pulse: once a second, is anything due that nobody was woken for, and do the workers still work?"""

from datetime import datetime

from django.utils import timezone
from django_q.models import Schedule

from conversions.tasks import has_due_postbacks
from conversions.wake import DIGEST, enqueue
from dispatch.models import Heartbeat
from dispatch.tasks import BEAT, SWEEP, has_due_deliveries


def prepare() -> None:
    """What the workers find when they start, and again after the database was away."""
    Heartbeat.start(timezone.now())
    # The one schedule in django-q2's table, written by name so that nothing else can stand in its place.
    Schedule.objects.update_or_create(
        name="sweep",
        defaults={"func": SWEEP, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
    )


def pulse() -> bool:
    """Wake the workers for whatever is due, unless they are behind anyway. False when they do nothing any more.

    Two may wait and no more: a queue full of the pulse's own wake-ups would keep the real ones waiting. Raises
    django.db.Error without a database.
    """
    if has_due_postbacks():
        enqueue(DIGEST, enough=2)
    if has_due_deliveries():
        enqueue(SWEEP, enough=2)
    return heart_beats(timezone.now())


def heart_beats(now: datetime) -> bool:
    """Whether the workers gave a sign of life lately; asks them for the next one.

    django-q2's workers share a lock that an idle one holds: when it is killed, those that replace it wait for ever.
    """
    heart = Heartbeat.objects.get()
    if heart.has_stopped(now):
        Heartbeat.start(now)
        return False
    if heart.wants_beat(now):
        Heartbeat.objects.update(asked_at=now)
        enqueue(BEAT)
    return True
