"""What operators ask of the site at one moment, read from the database. Every query is bounded by an index."""

import logging
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import Error
from django.db.models import Count, Exists, OuterRef, Prefetch, QuerySet, Subquery
from redis import RedisError

from conversions.models import Conversion, Postback
from conversions.wake import queue
from dispatch import clock
from dispatch.models import Credential, Delivery, Heartbeat, Lane
from dispatch.standing import lane_of
from offers.models import Pixel
from trackingsite.patience import Kept, in_time
from trackingsite.pulse import bad_schedules

logger = logging.getLogger(__name__)

Status = Delivery.Status
QUEUED = [Status.WAITING, Status.LEASED, Status.HELD, Status.DEAD]
WITH_REASON = [Status.HELD, Status.DEAD]


@dataclass(frozen=True)
class PixelVitals:
    """One pixel with its lane, and how its queue stands. `queue` has a number for each status, and for each of its
    reasons where it has any; the reason is empty where it has none."""

    pixel: Pixel
    lane: Lane
    has_credential: bool
    due_since: datetime | None
    queue: dict[tuple[str, str], int]

    @property
    def is_kept_back(self) -> bool:
        """Whether nothing is sent until a person does something."""
        return bool(self.pixel.paused_by) or not self.has_credential

    def credentials(self, state: str) -> list[Credential]:
        return [credential for credential in self.pixel.credentials.all() if credential.state == state]

    def count(self, status: str) -> int:
        return sum(count for (name, _), count in self.queue.items() if name == status)


@dataclass(frozen=True)
class Vitals:
    """The state of the site at `now`, by the database's clock."""

    now: datetime
    pixels: list[PixelVitals]
    heartbeats: list[Heartbeat]
    undigested: int
    undigested_since: datetime | None
    unmatched: int
    unplanned: int
    bad_schedules: list[str]

    def age(self, since: datetime | None) -> float:
        """Seconds since then; 0 when there is nothing."""
        return max(0.0, (self.now - since).total_seconds()) if since else 0.0

    def oldest_due(self, kept_back: bool) -> float:
        """The age of the oldest due delivery, of those kept back or of all others."""
        return max((self.age(p.due_since) for p in self.pixels if p.is_kept_back == kept_back), default=0.0)


def read() -> Vitals | None:
    """The vitals now; None without a database."""
    try:
        with in_time():
            return read_all(clock.now())
    except Error as error:
        logger.warning("The database does not tell how the site is (%s).", type(error).__name__)
        return None


def read_all(now: datetime) -> Vitals:
    due, unplanned = Postback.objects.due(now), Conversion.objects.unplanned()
    return Vitals(
        now=now,
        pixels=read_pixels(now),
        heartbeats=list(Heartbeat.objects.order_by("cluster")),
        undigested=due.count(),
        undigested_since=due.order_by("due_at").values_list("due_at", flat=True).first(),
        unmatched=Postback.objects.unmatched().count(),
        unplanned=unplanned.count() - unplanned.filter(is_test=True).count(),
        bad_schedules=bad_schedules(),
    )


def read_pixels(now: datetime) -> list[PixelVitals]:
    usable = Credential.objects.usable().filter(pixel=OuterRef("pk"))
    due = Delivery.objects.due(now).filter(pixel=OuterRef("pk"), is_test=False).order_by("next_attempt_at")
    rows: QuerySet[Any] = Pixel.objects.order_by("pk").select_related("lane").prefetch_related("tallies", LIVE)
    rows = rows.annotate(has_credential=Exists(usable), due_since=Subquery(due.values("next_attempt_at")[:1]))
    queues = read_queues()
    return [
        PixelVitals(pixel, lane_of(pixel), pixel.has_credential, pixel.due_since, queues[pixel.pk]) for pixel in rows
    ]


LIVE = Prefetch("credentials", Credential.objects.exclude(state=Credential.State.REVOKED).defer("token"))


def read_queues() -> dict[int, dict[tuple[str, str], int]]:
    """How many deliveries of each pixel are where; one partial index each, and none that is finished is read.

    The few tests are taken off again: to tell them apart while counting, every row would have to be read.
    """
    queues: dict[int, dict[tuple[str, str], int]] = defaultdict(dict)
    for status in QUEUED:
        columns = ["pixel", "reason"] if status in WITH_REASON else ["pixel"]
        counts = Delivery.objects.filter(status=status).order_by().values_list(*columns).annotate(count=Count("*"))
        for pixel_id, *reason, count in counts:
            queues[pixel_id][status, "".join(reason)] = count
    tests = Delivery.objects.filter(is_test=True, status__in=QUEUED).values_list("pixel", "status", "reason")
    for pixel_id, state, why in tests:
        queue, key = queues[pixel_id], (state, why if state in WITH_REASON else "")
        queue[key] = max(0, queue.get(key, 0) - 1)  # one may have come between the two queries
    return queues


def breaker_state(lane: Lane, now: datetime) -> str:
    """Half-open means that a probe may go; while one is on its way the breaker is open for the others."""
    if not lane.is_tripped:
        return "closed"
    return "open" if lane.probe_at and lane.probe_at > now else "half-open"


def read_wakeups() -> int | None:
    """How many tasks wait on the workers' queue; None when the queue is away."""
    try:
        with nullcontext() if settings.REDIS_URL else in_time():
            return int(queue().queue_size())
    except (Error, RedisError):
        return None


vitals = Kept(read, unknown=None)
wakeups = Kept(read_wakeups, unknown=None)


def forget() -> None:
    """Read anew when somebody asks next."""
    vitals.forget()
    wakeups.forget()
