"""How fast a pixel may be sent to at one moment, and what limits it, in words."""

from datetime import datetime

from django.conf import settings

from dispatch.models import Lane
from dispatch.wording import number, share


def most_at_once(lane: Lane, now: datetime) -> int:
    """The most conversions that a request may hold which is no probe."""
    return min(filter(None, (settings.TIKTOK_BATCH_SIZE, lane.rates(now).events_at_once)))


def events_per_second(lane: Lane, now: datetime) -> float | None:
    """The most that may be told per second now, by whichever cap is the lower one; None without any."""
    rates = lane.rates(now)
    by_requests = rates.requests_per_second and rates.requests_per_second * most_at_once(lane, now)
    return min(filter(None, (by_requests, rates.events_per_second)), default=None)


def own_cap(lane: Lane, now: datetime) -> str:
    """Which cap of its own limits the pixel; empty when it has none."""
    rates = lane.rates(now)
    if rates.events_per_second and events_per_second(lane, now) == rates.events_per_second:
        return f"This pixel's own cap is {number(rates.events_per_second)} conversions per second."
    if lane.pixel.max_requests_per_second:
        return f"This pixel's own cap is {requests_in_words(lane, now)}."
    return ""


def usual_rate(lane: Lane, now: datetime) -> str:
    """What limits a pixel without caps of its own."""
    if lane.rates(now).requests_per_second:
        return f"The site's usual rate is {requests_in_words(lane, now)}; the workers and TikTok may be slower."
    return "No cap limits it: the workers do, and how fast TikTok answers."


def requests_in_words(lane: Lane, now: datetime) -> str:
    requests, most = lane.rates(now).requests_per_second or 0, most_at_once(lane, now)
    return f"{number(requests)} requests per second, with up to {most} conversion{'' if most == 1 else 's'} each"


def rate_in_words(lane: Lane, now: datetime) -> str:
    """How fast the pixel may be sent to at this moment, by its caps and its pace."""
    rates, pace = lane.rates(now), lane.pace_at(now)
    limits = []
    if rates.events_per_second:
        limits.append(f"{number(rates.events_per_second)} conversions per second")
    if rates.requests_per_second:
        limits.append(requests_in_words(lane, now))
    if not limits:
        return "As fast as the workers and TikTok can: there is no cap."
    slower = f" This is {share(pace)} of full speed." if pace < 1 else ""
    return f"At most {', in at most '.join(limits)}.{slower}"
