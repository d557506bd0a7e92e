"""When the day of an offer's cap begins."""

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


@lru_cache
def time_zone_choices() -> list[tuple[str, str]]:
    """The time zones that staff choose from."""
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]


def day_start(now: datetime, time_zone: str) -> datetime:
    """When the day of `now` began there."""
    return now.astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
