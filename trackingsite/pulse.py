"""The pulse: once a second, is anything due that nobody was woken for? Retries and lost wake-ups start here."""

from django_q.models import Schedule

from conversions.tasks import has_due_postbacks
from conversions.wake import enqueue
from dispatch.tasks import has_due_deliveries

DIGEST = "conversions.tasks.digest"
SWEEP = "dispatch.tasks.sweep"


def pulse() -> None:
    """Wake the workers for whatever is due, unless they are behind anyway. Raises django.db.Error without a database.

    Two may wait and no more: a queue full of the pulse's own wake-ups would keep the real ones waiting.
    """
    if has_due_postbacks():
        enqueue(DIGEST, enough=2)
    if has_due_deliveries():
        enqueue(SWEEP, enough=2)


def ensure_schedules() -> None:
    """The one schedule in django-q2's table, written by name so that nothing else can stand in its place."""
    Schedule.objects.update_or_create(
        name="sweep",
        defaults={"func": SWEEP, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1},
    )
