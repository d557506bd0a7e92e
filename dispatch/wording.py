"""Times, spans, shares and rates as people read them."""

from datetime import datetime, timedelta

from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.text import Truncator

UNITS = [(86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")]
SHORT_UNITS = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s")]
MOST_QUOTED = 200
COUNT_LIMIT = 10_000
FEW = 2  # "100 seconds" says more than "1 minute"


def at(time: datetime, now: datetime) -> str:
    """A time with its zone and how far away it is: “14:05:20 UTC (in 34 seconds)”."""
    local = timezone.localtime(time)
    is_today = local.date() == timezone.localtime(now).date()
    clock = format_date(local, "H:i:s" if is_today else "H:i")
    day = "" if is_today else f" on {format_date(local, 'j M')}"
    away = f"in {in_words(time - now)}" if time > now else f"{in_words(now - time)} ago"
    return f"{clock} {local.tzname()}{day} ({away})"


def in_words(span: timedelta) -> str:
    """A span in the largest unit that leaves two or more of it: “34 seconds”, “90 seconds”, “3 minutes”."""
    seconds = max(0, round(span.total_seconds()))
    for size, unit in UNITS:
        if seconds >= FEW * size:
            return f"{round(seconds / size):,} {unit}s"
    return "1 second" if seconds else "a moment"


def two_largest(span: timedelta) -> list[tuple[int, str]]:
    """A span in its two largest units that say something: 2 h and 10 min, or 3 d; none below a second."""
    left = int(span.total_seconds())
    parts: list[tuple[int, str]] = []
    for size, unit in SHORT_UNITS:
        if left >= size and len(parts) < 2:
            parts.append((left // size, unit))
            left %= size
    return parts


def deliveries(count: int) -> str:
    """A number of deliveries as `number_of` found it."""
    if count >= COUNT_LIMIT:
        return f"{COUNT_LIMIT:,} or more deliveries"
    return f"{count:,} deliver{'y' if count == 1 else 'ies'}" if count else "none"


def quoted(text: str) -> str:
    """What somebody else said, on one line, with the full stop that ends our sentence."""
    text = Truncator(" ".join(text.split())).chars(MOST_QUOTED)
    return f"“{text}”" if text.endswith((".", "!", "?")) else f"“{text}”."


def share(part: float) -> str:
    return f"{part:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def number(value: float) -> str:
    """Three digits are enough; none is shown that says nothing."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
