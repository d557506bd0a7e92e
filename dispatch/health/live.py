"""What is so at this moment, by indexes and not by sums: what waits, dead letters, what is held, credentials."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Min, QuerySet

from dispatch.findings.finding import Scope
from dispatch.models import Credential, Delivery, TellingSlot
from dispatch.reasons import Reason
from dispatch.wording import COUNT_LIMIT

Status = Delivery.Status
WHOSE = {Scope.OFFER: "conversion__offer_id", Scope.NETWORK: "conversion__offer__network_id", Scope.PIXEL: "pixel_id"}
WHOSE_SLOTS = {Scope.OFFER: "offer_id", Scope.NETWORK: "offer__network_id", Scope.PIXEL: "pixel_id"}
LONGEST_WAIT = timedelta(days=8)  # what is older than 7 days is not sent any more


@dataclass
class Live:
    """What waits of one subject now; `waiting_since` is when the oldest of it was recorded.

    Of each kind no more than COUNT_LIMIT deliveries of the whole site are looked at: `is_capped` says that there are
    more, so that counts are least numbers.
    """

    waiting_since: datetime | None = None
    dead: int = 0
    held: Counter[str] = field(default_factory=Counter)
    is_capped: bool = False


def live(scope: Scope, now: datetime) -> dict[int, Live]:
    """How things stand now, of all subjects that something waits of; four queries at most."""
    found: dict[int, Live] = defaultdict(Live)
    add_waiting(found, Scope(scope), now)
    for status in (Status.DEAD, Status.HELD):
        total = 0
        for row in grouped(by_reason(status), scope, "reason"):
            undecided = status == Status.DEAD or row["reason"] == Reason.OUTCOME_UNKNOWN
            found[row["key"]].dead += row["count"] if undecided else 0
            found[row["key"]].held.update({} if undecided else {row["reason"]: row["count"]})
            total += row["count"]
        cap(found, total)
    return dict(found)


def add_waiting(found: dict[int, Live], scope: Scope, now: datetime) -> None:
    """Since when the oldest waits; to the half-hour where the queue is too long to be looked through."""
    queue = Delivery.objects.filter(status=Status.WAITING, is_test=False).order_by("pixel_id", "next_attempt_at")
    total = 0
    for row in grouped(queue, scope).annotate(since=Min("conversion__created_at")):
        found[row["key"]].waiting_since = row["since"]
        total += row["count"]
    if total < COUNT_LIMIT:
        return
    slots = TellingSlot.objects.filter(waiting__gt=0, starts_at__gt=now - LONGEST_WAIT).values(
        key=F(WHOSE_SLOTS[scope])
    )
    for row in slots.annotate(since=Min("starts_at")).order_by():
        known = found[row["key"]].waiting_since
        found[row["key"]].waiting_since = min(known or row["since"], row["since"])


def by_reason(status: str) -> "QuerySet[Delivery]":
    """In the order of the partial index of those that are dead, or held."""
    return Delivery.objects.filter(status=status, is_test=False).order_by("reason", "-pk" if status == "dead" else "pk")


def grouped(rows: "QuerySet[Delivery]", scope: Scope, *by: str) -> "QuerySet[Any]":
    """How many of the first 10,000 rows are whose."""
    first = Delivery.objects.filter(pk__in=rows.values("pk")[:COUNT_LIMIT])
    counted: QuerySet[Any] = first.values(*by, key=F(WHOSE[scope])).annotate(count=Count("pk"))
    return counted.order_by()


def cap(found: dict[int, Live], total: int) -> None:
    if total >= COUNT_LIMIT:
        for each in found.values():
            each.is_capped = True


@dataclass(frozen=True)
class Token:
    """The credential that a pixel is sent with, and when another one should take its place."""

    credential: Credential
    now: datetime

    @property
    def since(self) -> datetime:
        return self.credential.activated_at or self.credential.created_at

    @property
    def age_days(self) -> int:
        """Whole days in use."""
        return (self.now - self.since).days

    @property
    def due_at(self) -> datetime | None:
        """When it is due for rotation; None where credentials never are."""
        days = settings.CREDENTIAL_ROTATION_DAYS
        return self.since + timedelta(days=days) if days else None

    @property
    def is_due(self) -> bool:
        return self.due_at is not None and self.due_at <= self.now


def tokens(pixels: Iterable[int], now: datetime) -> dict[int, Token]:
    """The active credential of each of these pixels that has one."""
    rows = Credential.objects.filter(state=Credential.State.ACTIVE, pixel__in=list(pixels))
    return {row.pixel_id: Token(row, now) for row in rows}
