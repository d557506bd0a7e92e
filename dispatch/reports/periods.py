"""The days that a report is about, and the days before them that it is compared with."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dispatch.models.rollup import SLOT
from dispatch.reports.zones import day_in, start_of
from dispatch.rollups.slots import slot_of

DAY = timedelta(days=1)
PRESETS = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7": "Last 7 days",
    "14": "Last 14 days",
    "30": "Last 30 days",
    "month": "This month",
    "last_month": "Last month",
    "own": "Own dates",
}


@dataclass(frozen=True)
class Period:
    """Whole days of a time zone, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def since(self) -> datetime:
        return start_of(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """The moment after its last one."""
        return start_of(self.last + DAY, self.zone)

    def before(self) -> "Period":
        """As many days just before."""
        length = timedelta(days=self.days)
        return Period(self.first - length, self.last - length, self.zone)

    def ends_before(self, now: datetime) -> datetime:
        """Where the days before are cut off, so that a day that is not over is compared with as much of one.

        The half-hour that runs is in it as a whole.
        """
        before = self.before()
        if not self.since <= now < self.until:
            return before.until
        length = timedelta(days=self.days)
        same_time = (now.astimezone(self.zone).replace(tzinfo=None) - length).replace(tzinfo=self.zone)
        return min(before.until, slot_of(same_time.astimezone(UTC)) + SLOT)

    def in_words(self) -> str:
        if self.first == self.last:
            return f"{self.first:%-d %b %Y}"
        return f"{self.first:%-d %b %Y} to {self.last:%-d %b %Y}"


def preset(name: str, now: datetime, zone: ZoneInfo) -> Period:
    """One of PRESETS but the last; days of `zone`."""
    today = day_in(now, zone)
    month = today.replace(day=1)
    spans = {
        "today": (today, today),
        "yesterday": (today - DAY, today - DAY),
        "month": (month, today),
        "last_month": ((month - DAY).replace(day=1), month - DAY),
    }
    first, last = spans.get(name) or (today - timedelta(days=int(name) - 1), today)
    return Period(first, last, zone)
