"""The one clock that rows are written, leased and due by: the database's, as hosts differ."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

TRUSTED_SECONDS = 5.0  # how long a comparison of the two clocks is believed


@dataclass
class Comparison:
    """How far the database's clock was ahead of this host's, and when that was seen on the monotonic clock."""

    ahead: timedelta = timedelta()
    seen_at: float = -TRUSTED_SECONDS


last = Comparison()


def now() -> datetime:
    """The database's time on PostgreSQL; SQLite lives on this host, so the host's clock is its clock."""
    if connection.vendor != "postgresql":
        return timezone.now()
    if time.monotonic() - last.seen_at > TRUSTED_SECONDS:
        last.ahead, last.seen_at = ask() - timezone.now(), time.monotonic()
    return timezone.now() + last.ahead


def ask() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
