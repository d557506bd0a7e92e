"""Why one delivery is not told yet: its pixel's reason, its own, or both."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils.html import strip_tags

from dispatch import standing
from dispatch.models import Delivery
from dispatch.outbox import CRASHES_ALLOWED
from dispatch.reasons import Reason
from dispatch.standing import LATE, Code, Standing
from dispatch.wording import at, quoted
from offers.models import Pixel

Status = Delivery.Status


def reasons_of(deliveries: Iterable[Delivery], now: datetime) -> dict[int, list[Standing]]:
    """The reasons of each, by its key; one query, and none when nothing waits."""
    deliveries = list(deliveries)
    keys = {delivery.pixel_id for delivery in deliveries if delivery.status == Status.WAITING}
    rows = standing.watched(Pixel.objects.filter(pk__in=keys), now) if keys else []
    pixels = {row.pk: standing.of(row, now) for row in rows}
    return {delivery.pk: reasons(delivery, pixels.get(delivery.pixel_id), now) for delivery in deliveries}


def reasons(delivery: Delivery, pixel: Standing | None, now: datetime) -> list[Standing]:
    """The reasons, the one that keeps it longest first; none for what is settled. `pixel` is how its pixel stands."""
    match delivery.status:
        case Status.LEASED:
            return [being_sent(delivery, now)]
        case Status.HELD:
            return [held(delivery)]
        case Status.WAITING:
            return [*in_order(delivery, pixel, now), *company(delivery)]
    return []


def being_sent(delivery: Delivery, now: datetime) -> Standing:
    until = delivery.lease_until
    if until is None or until > now:
        lease = f" If no answer is on record by {at(until, now)}, it is sent again." if until else ""
        return Standing("sending", "busy", "With a worker", f"A worker is sending it.{lease}", until=until)
    words = (
        f"A worker took it and did not finish by {at(until, now)}: it has died, or the database was away. The delivery "
        "goes back into the queue within a minute, if any worker runs."
    )
    return Standing("lost", "warn", "Its worker died", words, since=until)


def held(delivery: Delivery) -> Standing:
    reason = Reason(delivery.reason) if delivery.reason else None
    return Standing(
        delivery.reason or "held", "warn", reason.label if reason else "Held", reason.advice if reason else ""
    )


def in_order(delivery: Delivery, pixel: Standing | None, now: datetime) -> Iterator[Standing]:
    """Its next try and its pixel's trouble: whichever ends last, or does not end by itself, comes first."""
    own = next_try(delivery, now)
    trouble = pixel if pixel and pixel.code != Code.SENDING else None
    if own is None:
        yield trouble or in_queue(delivery, now)
    elif trouble and trouble.is_still:
        yield from (own, trouble) if trouble.ends_before(own.until) else (trouble, own)
    else:
        yield own


def next_try(delivery: Delivery, now: datetime) -> Standing | None:
    due_at = delivery.next_attempt_at
    if due_at is None or due_at <= now:
        return None
    if not delivery.attempts:
        return Standing("later", "calm", "Its turn comes later", f"It is due at {at(due_at, now)}.", until=due_at)
    tries = "1 try" if delivery.attempts == 1 else f"{delivery.attempts} tries"
    said = f" The last failure: {quoted(strip_tags(delivery.detail))}" if delivery.detail else ""
    words = f"The next try is at {at(due_at, now)}, after {tries} failed.{said}"
    return Standing("retry", "warn", f"{tries} failed", words, until=due_at)


def in_queue(delivery: Delivery, now: datetime) -> Standing:
    due_at = delivery.next_attempt_at
    if due_at is None or now - due_at < LATE:
        return Standing("due", "busy", "Due now", "It goes out with the next request to its pixel.")
    words = f"Due since {at(due_at, now)}. The workers may be stopped, or busy with a long queue."
    return Standing("due", "warn", "Late", words, since=due_at)


def company(delivery: Delivery) -> Iterator[Standing]:
    """With how many others it may travel, where that is not as usual."""
    limit = delivery.batch_limit
    if limit is None:
        return
    if limit == 1 and delivery.claims > delivery.attempts:
        words = "A worker died while it was sending this, so it is sent alone: if this is the cause, no other suffers."
        if delivery.claims + 1 >= delivery.attempts + CRASHES_ALLOWED:
            words += " If a worker dies with it once more, it becomes a dead letter."
        yield Standing("suspect", "warn", "Sent alone", words)
    elif limit == 1:
        words = f"{cause(delivery)}, so it is sent alone, to find the event that is to blame."
        yield Standing("alone", "warn", "Sent alone", words)
    else:
        words = (
            f"{cause(delivery)}, so it travels in a group of at most {limit}, to find the event that is to blame. The "
            "others of the group are not harmed."
        )
        yield Standing("group", "calm", f"In a group of {limit}", words)


def cause(delivery: Delivery) -> str:
    """Why a delivery travels with fewer others: of recorded tries only failures are known to have come before."""
    what = "was refused, or failed again and again" if delivery.attempts else "was refused"
    return f"A request to TikTok that held this {what}"
