"""Passes through the past: first the back-fill of what was there before there were sums, then re-checks for ever.

A re-check makes the half-hours of the last ten days anew and notes every difference in the log. It takes a hundredth
of the time at most, so that on a big site one pass begins a day, and on a small one many.
"""

import logging
import time
from datetime import datetime, timedelta

from dispatch.models import Watermark
from dispatch.models.rollup import SLOT
from dispatch.rollups import making
from dispatch.rollups.slots import day_of, slot_of
from dispatch.rollups.storing import Difference
from dispatch.rollups.walking import Walk

logger = logging.getLogger(__name__)

NAME = "passes"
LOOKED_BACK = timedelta(days=10)
REST = 100  # times as long as the pass took
SHORTEST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(days=1)
SETTLED_AFTER = timedelta(minutes=30)
"""Younger half-hours may rightly be behind by a moment."""


def go_on(now: datetime, ends_at: float) -> int:
    """Go on with the pass, or begin one when it is time, until then on the monotonic clock; half-hours looked at.

    The cursor stands in `settled`, the floor in `reached`, how many milliseconds it took in `counted`; `looked_at` is
    when the last pass was over.
    """
    mark, _ = Watermark.objects.get_or_create(pk=NAME, defaults={"settled": text_of(now + SLOT), "reached_at": now})
    if not mark.settled:
        if not is_time(mark, now):
            return 0
        mark.settled, mark.reached = text_of(slot_of(now) + SLOT), text_of(now - LOOKED_BACK)
        mark.reached_at, mark.counted = now, 0
    return walk(mark, now, ends_at)


def walk(mark: Watermark, now: datetime, ends_at: float) -> int:
    """One half-hour at the least, while there are any."""
    count, began = 0, time.monotonic()
    is_recheck = bool(mark.reached)
    while mark.settled and (not count or time.monotonic() < ends_at):
        before = datetime.fromisoformat(mark.settled)
        starts_at = Walk().before(before)
        if starts_at and is_recheck and starts_at < datetime.fromisoformat(mark.reached):
            starts_at = None
        if is_recheck and (starts_at is None or day_of(starts_at) != day_of(before)):
            look_at_day(before)
        if starts_at is None:
            mark.settled, mark.looked_at = "", now
            break
        look(starts_at, now, is_recheck)
        mark.settled = text_of(starts_at)
        count += 1
    mark.counted += int((time.monotonic() - began) * 1000)
    mark.save()
    return count


def look(starts_at: datetime, now: datetime, is_recheck: bool) -> None:
    differences = Walk().make(starts_at, now)
    if is_recheck and starts_at + SLOT + SETTLED_AFTER < now:
        warn_of(differences, starts_at)


def look_at_day(moment: datetime) -> None:
    """Each half-hour takes its day along when it is changed; here is mended what is wrong in the day alone."""
    for offer_id, day in Walk().days(moment):
        warn_of(making.make_day(offer_id, day), day)


def warn_of(differences: list[Difference], moment: datetime) -> None:
    if differences:
        logger.warning("%d sums of %s were wrong, such as %s", len(differences), text_of(moment), differences[0])


def is_time(mark: Watermark, now: datetime) -> bool:
    rest = min(max(REST * timedelta(milliseconds=mark.counted), SHORTEST_REST), LONGEST_REST)
    return mark.looked_at is None or now - mark.looked_at >= rest


def filled_to() -> datetime | None:
    """Since when there are sums while the back-fill is under way; None once it is over, and before it has begun."""
    mark = Watermark.objects.filter(pk=NAME, looked_at=None).exclude(settled="").first()
    return datetime.fromisoformat(mark.settled) if mark else None


def text_of(moment: datetime) -> str:
    """Up to the second, as it fits into a watermark."""
    return moment.isoformat(timespec="seconds")
