"""Housekeeping: what is old goes, a little at a time, while the site works."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django_q.models import Task

from conversions import retention as recorded
from conversions.retention import Chore
from conversions.uploads import retention as uploaded
from conversions.uploads.turns import forget_unanswered
from dispatch import clock
from dispatch import retention as sent
from dispatch.test_conversions import retention as tested

logger = logging.getLogger(__name__)

RUN_SECONDS = 5.0
PAUSE_SECONDS = 0.05  # who waits to write into SQLite looks again after 0.025 s, or 0.1 s when it has waited long


@dataclass(frozen=True)
class Rule:
    """A chore and from which age on it is done: the settings say so, the strictest one that is not 0."""

    what: str
    chore: Chore
    settings: tuple[str, ...]

    @property
    def days(self) -> float:
        """0 means never."""
        return min(filter(None, map(days_of, self.settings)), default=0)

    @property
    def setting(self) -> str:
        """The setting that decides."""
        return next(name for name in self.settings if days_of(name) == self.days)

    def batches(self, now: datetime, dry_run: bool = False) -> Iterator[int]:
        """Prune a short transaction at a time; how many rows each changed, or would have changed."""
        return self.chore.batches(now - timedelta(days=self.days), dry_run) if self.days else iter(())


def days_of(setting: str) -> float:
    return float(getattr(settings, setting))


def rules() -> list[Rule]:
    """Everything that goes with age. Attempts go before their payloads, so that none is emptied only to be deleted."""
    visitor, payload, attempt = "RETENTION_VISITOR_DAYS", "RETENTION_PAYLOAD_DAYS", "RETENTION_ATTEMPT_DAYS"
    return [
        Rule("test conversions", tested.old_tests(), ("RETENTION_TEST_DAYS",)),
        Rule("clicks: address, browser, digests", sent.visitors(), (visitor,)),
        Rule("conversions: digests", sent.buyers(), (visitor,)),
        Rule("postbacks: the caller's address", recorded.callers(), (visitor,)),
        Rule("attempts", sent.attempts(), (attempt,)),
        Rule("attempts: the payload", sent.payloads(), (payload, visitor)),  # which holds the user agent
        Rule("postbacks: sealed calls", recorded.sealed_calls(), ("RETENTION_SEALED_DAYS", visitor)),
        Rule("postbacks", recorded.postbacks(), ("RETENTION_POSTBACK_DAYS",)),
        Rule("uploads: their rows", uploaded.upload_rows(), ("RETENTION_POSTBACK_DAYS",)),
        Rule("uploads", uploaded.uploads(), ("RETENTION_POSTBACK_DAYS",)),
        Rule("sightings of the Pixel", recorded.sightings(), (attempt,)),
        Rule("strange pages without a call", recorded.strange_pages(), (attempt,)),
        Rule("alerts that are over", sent.alerts(), (attempt,)),
        Rule("alerts: messages", sent.alert_messages(), (attempt,)),
        Rule("the queue's failed tasks", failed_tasks(), (attempt,)),
    ]


def failed_tasks() -> Chore:
    """django-q2 itself prunes only what succeeded."""
    return Chore(Task.objects.filter(success=False), "stopped", Q(), recorded.delete, in_order=False)


def prune_some() -> int:
    """Prune for some seconds, each rule for its share of them; how many rows. Harmless to run twice, also at once."""
    now, ends_at, total = clock.now(), time.monotonic() + RUN_SECONDS, 0
    forget_unanswered(now)
    todo = rules()
    for place, rule in enumerate(todo):
        share_ends_at = time.monotonic() + max(0.0, ends_at - time.monotonic()) / (len(todo) - place)
        batches = gently(rule.batches(now), time.sleep)
        count = 0
        for pruned in batches:
            count += pruned
            if time.monotonic() >= share_ends_at:
                break
        if count:
            logger.info("Pruned %s: %d, older than %g days", rule.what, count, rule.days)
        total += count
    return total


def gently(batches: Iterator[int], pause: Callable[[float], object]) -> Iterator[int]:
    """The batches with a pause after each that wrote, at least as long as it took: others write there too."""
    started = time.monotonic()
    for count in batches:
        took = time.monotonic() - started
        yield count
        if count:
            pause(max(PAUSE_SECONDS, took))
        started = time.monotonic()
