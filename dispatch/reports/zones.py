"""Time zones that reports are read in: those whose clock is a multiple of half an hour away from UTC.

The sums are kept by half-hours of UTC, so that these divide their days. Zones a quarter of an hour off, of which
Nepal's and the Chatham Islands' are left, would cut half-hours in two.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from dispatch.models.rollup import SLOT
from offers.caps import time_zone_choices

NO_SHIFT = timedelta(0)
SAMPLES = (1, 4, 7, 10)  # months: a zone's clock in each part of its year
FIRST_YEAR = 2020


@lru_cache
def zone_choices() -> list[tuple[str, str]]:
    """The time zones that readers choose from."""
    return [(name, label) for name, label in time_zone_choices() if is_readable(name)]


@lru_cache
def is_readable(name: str) -> bool:
    """Whether the half-hours of the sums divide the days of this zone."""
    if not any(name == known for known, _ in time_zone_choices()):
        return False
    zone, years = ZoneInfo(name), range(FIRST_YEAR, datetime.now(UTC).year + 2)
    return not any(offset(datetime(year, month, 1, tzinfo=zone)) % SLOT for year in years for month in SAMPLES)


def offset(moment: datetime) -> timedelta:
    """How far the clock of an aware moment's zone is ahead of UTC."""
    return moment.utcoffset() or NO_SHIFT


def start_of(day: date, zone: tzinfo) -> datetime:
    """When the day begins there, in UTC; of a midnight that comes twice the first, of one that is skipped what follows.

    A day of 23 or 25 hours is as long as the two beginnings are apart.
    """
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def day_in(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()


def hours_shifts(since: datetime, until: datetime, zone: tzinfo) -> list[tuple[datetime, timedelta]]:
    """From when on the zone's hours begin how far behind those of UTC; more than one where that changes in between."""
    shifts: list[tuple[datetime, timedelta]] = []
    moment = since
    while moment < until:
        shift = -offset(moment.astimezone(zone)) % timedelta(hours=1)
        if not shifts or shifts[-1][1] != shift:
            shifts.append((moment, shift))
        moment += SLOT
    return shifts
