"""What django-q2 runs for this app. Arguments are integers; every task is harmless to lose and to run twice."""

import time
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from conversions.digest import rematch_arrived
from conversions.models import Conversion
from conversions.signals import conversions_recorded
from conversions.wake import Waker, enqueue
from dispatch import outbox, planning, sending
from dispatch.models import Delivery, Heartbeat

DELIVER = "dispatch.tasks.deliver"
DRAIN = "dispatch.tasks.drain_pixel"
SWEEP = "dispatch.tasks.sweep"
BEAT = "dispatch.tasks.beat"

PLAN_SECONDS = 5.0

deliver_soon = Waker(DELIVER)


@receiver(conversions_recorded, dispatch_uid="wake the sender")
def wake_sender(**kwargs: Any) -> None:
    deliver_soon.ask()


def deliver() -> int:
    """Plan what is unplanned, then send: one pixel here, every other one in a task of its own."""
    plan_for_a_while()
    pixels = list(sending.pixels_with_work(timezone.now()).values_list("pk", flat=True))
    for pixel_id in pixels[1:]:
        enqueue(DRAIN, pixel_id)
    return drain_pixel(pixels[0]) if pixels else 0


def plan_for_a_while() -> None:
    ends_at = time.monotonic() + PLAN_SECONDS
    while planning.plan(timezone.now()) and time.monotonic() < ends_at:
        pass


def drain_pixel(pixel_id: int) -> int:
    """Send what is due for one pixel for one turn, and queue for the next one when something is left."""
    claimed = sending.drain(pixel_id)
    if claimed and sending.pixels_with_work(timezone.now()).filter(pk=pixel_id).exists():
        enqueue(DRAIN, pixel_id)
    return claimed


def sweep() -> int:
    """Once a minute: take back what dead workers held, match postbacks to late clicks, and send what is due."""
    now = timezone.now()
    rematch_arrived(now)
    outbox.release_expired(now)
    return deliver()


def beat() -> None:
    """A sign of life: this task was queued, taken and done."""
    Heartbeat.objects.update(beat_at=timezone.now())


def has_due_deliveries() -> bool:
    """Whether there is a conversion to plan, a lease to take back or a delivery to send now."""
    now = timezone.now()
    return (
        Conversion.objects.unplanned().exists()
        or Delivery.objects.expired(now).exists()
        or sending.pixels_with_work(now).exists()
    )
