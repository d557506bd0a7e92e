"""Networks that have fallen silent: usually a postback URL that is wrong now, and every sale since is missing."""

from datetime import datetime, timedelta

from offers.models import Network

TOLD_FOR = timedelta(hours=3)
"""So long a call with a wrong secret is told of."""


def is_turned_away(network: Network) -> bool:
    """Whether the last call to its address had a wrong secret."""
    heard, turned_away = network.heard_at, network.turned_away_at
    return turned_away is not None and (heard is None or heard <= turned_away)


def silent_for(network: Network, now: datetime) -> timedelta | None:
    """How long nothing authentic came, when that is longer than this network may be silent; else None.

    One that never called is counted from the day it was set up.
    """
    if not network.is_active or not network.silence_hours:
        return None
    quiet = now - (network.heard_at or network.created_at)
    return quiet if quiet > timedelta(hours=network.silence_hours) else None


def limit_of(network: Network) -> str:
    """For how long it may be silent."""
    return in_hours(timedelta(hours=network.silence_hours or 0))


def in_hours(span: timedelta) -> str:
    """The span in whole hours, in days from two on."""
    hours = int(span.total_seconds() // 3600)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} hour{'' if hours == 1 else 's'}"
