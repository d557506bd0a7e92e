"""The spans of time that pages of health look back over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

BY_HOUR = timedelta(days=3)  # longer spans are shown by day


@dataclass(frozen=True)
class Period:
    """From `span` ago until now; `words` complete “in these …”."""

    name: str
    words: str
    span: timedelta

    @property
    def is_by_day(self) -> bool:
        return self.span > BY_HOUR

    def since(self, now: datetime) -> datetime:
        return now - self.span


PERIODS = {
    period.name: period
    for period in (
        Period("24h", "24 hours", timedelta(hours=24)),
        Period("72h", "72 hours", timedelta(hours=72)),
        Period("7d", "7 days", timedelta(days=7)),
        Period("30d", "30 days", timedelta(days=30)),
    )
}


def period_of(name: str) -> Period:
    """The one of this name; the last 24 hours for any other."""
    return PERIODS.get(name, PERIODS["24h"])
