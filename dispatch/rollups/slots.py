"""Half-hours, in UTC: what the sums are kept by."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

from dispatch.models.rollup import SLOT
from dispatch.models.stale_slot import EPOCH

ONE_DAY = timedelta(days=1)
RESOLUTION = timedelta(microseconds=1)


def slot_of(moment: datetime) -> datetime:
    """The beginning of the half-hour that an aware moment is in."""
    return EPOCH + (moment - EPOCH) // SLOT * SLOT


def day_of(moment: datetime) -> datetime:
    """The beginning of its day in UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def parted(since: datetime, until: datetime) -> Iterator[tuple[bool, datetime, datetime]]:
    """A span as whole days in UTC and the edges before and after them: whether it is days, from when, until when."""
    first, last = day_of(since + ONE_DAY - RESOLUTION), day_of(until)
    if first >= last:
        yield False, since, until
        return
    for is_days, begin, end in ((False, since, first), (True, first, last), (False, last, until)):
        if begin < end:
            yield is_days, begin, end


def days_between(since: datetime, until: datetime, zone: tzinfo) -> Iterator[date]:
    """The days, on the clocks of that zone, in which a half-hour from that of `since` to before `until` begins."""
    day = slot_of(since).astimezone(zone).date()
    last = slot_of(until - RESOLUTION).astimezone(zone).date()
    while day <= last:
        yield day
        day += ONE_DAY
