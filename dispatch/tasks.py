"""What django-q2 runs for this app. Arguments are integers; every task is harmless to lose and to run twice."""

from typing import Any

from django.conf import settings
from django.dispatch import receiver

from conversions.digest import rematch_arrived
from conversions.models import Conversion
from conversions.outage import leaving_a_standby
from conversions.seats import seat
from conversions.signals import conversions_recorded
from conversions.wake import Waker, enqueue
from dispatch import clock, holding, outbox, planning, sending, watching
from dispatch.models import Delivery
from dispatch.sender import sender
from dispatch.test_conversions.running import advance_all

DELIVER = "dispatch.tasks.deliver"
SWEEP = "dispatch.tasks.sweep"
BEAT = "dispatch.tasks.beat"
WATCH = "dispatch.tasks.watch"

deliver_soon = Waker(DELIVER)


@receiver(conversions_recorded, dispatch_uid="wake the sender")
def wake_sender(**kwargs: Any) -> None:
    deliver_soon.ask()


@leaving_a_standby()
def deliver() -> int:
    """Plan what is unplanned and send what is due, for one turn; how many deliveries were sent.

    One worker of a host stays free for other tasks, such as the digest.
    """
    with seat("sender", max(1, settings.WORKERS - 1)) as may_send:
        sent = sender().turn() if may_send else 0
    if sent and has_due_deliveries():
        enqueue(DELIVER)
    return sent


def drain_pixel(pixel_id: int) -> int:
    """What the release before this one put on the queue."""
    return deliver()


@leaving_a_standby()
def sweep() -> int:
    """Once a minute: take back what dead workers held, match postbacks to late clicks, and send what is due.

    What was held for want of an exchange rate is planned anew as soon as there is one, what was held for consent when
    the offer's policy changes; neither is held longer than TikTok would take it. Test conversions end, watched or not.
    """
    rematch_arrived(clock.now())
    outbox.release_expired(clock.now())
    planning.release_with_rate()
    holding.review_policies()
    holding.give_up_too_old(clock.now())
    sent = deliver()
    advance_all(clock.now())
    return sent


@leaving_a_standby()
def watch() -> int:
    """Once a minute: find what is wrong, decide on spend, write alerts; how many things are wrong."""
    with seat("watch", 1) as may_watch:
        return watching.look(clock.now()) if may_watch else 0


def beat() -> None:
    """Nothing: that this was queued, taken, done and acknowledged is the sign of life, and is noted after it."""


def has_due_deliveries() -> bool:
    """Whether there is a conversion to plan, a lease to take back or a delivery to send now."""
    now = clock.now()
    return (
        Conversion.objects.unplanned().exists()
        or Delivery.objects.expired(now).exists()
        # The cheap question first: the pulse asks every second, and most of the time nothing is due.
        or (Delivery.objects.due(now).exists() and sending.pixels_with_work(now).exists())
    )
