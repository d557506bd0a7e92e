"""Keeping the sums up to date, in the background."""

from datetime import datetime


def roll_up(now: datetime, seconds: float = 5.0) -> int:
    """Bring the sums up to date, newest first, for about so many seconds; how many half-hours were made anew."""
    return 0


def as_of() -> datetime | None:
    """When the sums were last brought up to date; None before they ever were."""
    return None
