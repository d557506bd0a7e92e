"""What caps need to know of offers: when the day begins, and where the chain of fallback offers leads."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones


@lru_cache
def time_zone_choices() -> list[tuple[str, str]]:
    """The time zones that staff choose from."""
    names = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]


def day_start(now: datetime, time_zone: str) -> datetime:
    """When the day of `now` began there, in UTC: at midnight, the first one where the clocks go back over it."""
    midnight = now.astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return midnight.astimezone(UTC)  # a time that is skipped or comes twice equals none of another zone


def leads_back(offer: Any) -> bool:
    """Whether the offer's fallbacks lead to it again. One query for each that is not loaded yet."""
    following, seen = offer.fallback_offer, set()
    while following is not None and following.pk not in seen:
        if following.pk == offer.pk:
            return True
        seen.add(following.pk)
        following = following.fallback_offer
    return False
