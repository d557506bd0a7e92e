"""Figures whose rows retention has pruned: they stay as they were counted while the rows were there."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from conversions.outcomes import Outcome

Columns = dict[str, Any]
OF_ATTEMPTS = ("tried", "retried", "fired", "blocked")
OF_VISITORS = ("with_browser", "with_email", "with_phone")


def may_be_pruned(since: datetime | None, setting: str, now: datetime) -> bool:
    """Whether rows since then may be gone by that setting of retention, where 0 means that none ever goes."""
    days = getattr(settings, setting)
    return bool(days) and since is not None and since < now - timedelta(days=days)


def keep_of_telling(
    counted: Columns, stored: Columns | None, starts_at: datetime, oldest_click: datetime | None, now: datetime
) -> None:
    """Keep what attempts, sightings and visitors have said of a pixel's half-hour, where these may be gone."""
    if may_be_pruned(starts_at, "RETENTION_ATTEMPT_DAYS", now):
        keep(counted, stored, OF_ATTEMPTS)
    if may_be_pruned(oldest_click, "RETENTION_VISITOR_DAYS", now):
        keep(counted, stored, OF_VISITORS)


def keep(counted: Columns, stored: Columns | None, names: tuple[str, ...]) -> None:
    """The larger figure: a recount can only miss what is gone."""
    for name in names if stored else ():
        counted[name] = max(counted[name], stored[name])  # type: ignore[index]


def keep_of_network(
    counted: dict[tuple[Any, ...], Columns], stored: dict[tuple[Any, ...], Columns], starts_at: datetime, now: datetime
) -> None:
    """Keep the outcomes of a network's half-hour whose postbacks may be gone."""
    if not may_be_pruned(starts_at, "RETENTION_POSTBACK_DAYS", now):
        return
    for key, columns in stored.items():
        if key != (Outcome.RECEIVED,):  # these are kept until they are digested
            keep(counted.setdefault(key, {"postbacks": 0}), columns, ("postbacks",))
