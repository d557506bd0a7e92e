"""Keeping the sums up to date, in the background; see docs/figures.md."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max

from conversions.models import Conversion
from dispatch.models import Delivery, StaleSlot, Watermark
from dispatch.rollups import rechecking
from dispatch.rollups.following import FOLLOWED, follow
from dispatch.rollups.making import make_network, make_offer
from dispatch.rollups.rules import review_rules
from dispatch.rollups.traffic import DAY
from offers.models import Offer

AT_ONCE = 200
PAUSE = 20  # times as long as making it took: a busy half-hour takes no more than a twentieth of a worker's time
CLOCKS_DIFFER = timedelta(minutes=1)
COSTLY_SECONDS = 0.75  # what is quicker than that is not too much in fifteen seconds
SHARE_OF_PASSES = 0.5
OF_AGE = "a day old"
NAMES = tuple(followed.name for followed in FOLLOWED)


@dataclass(frozen=True)
class Half:
    """A half-hour of an offer or of a network that is marked; `mark` is the newest mark of it."""

    offer_id: int | None
    network_id: int | None
    starts_at: datetime
    mark: int

    @property
    def key(self) -> tuple[int | None, int | None, datetime]:
        """What tells it apart."""
        return self.offer_id, self.network_id, self.starts_at


resting: dict[tuple[int | None, int | None, datetime], float] = {}
"""Half-hours that were costly to make, and until when they rest, on this process's monotonic clock."""


def roll_up(now: datetime, seconds: float = 5.0) -> int:
    """Bring the sums up to date, newest first, for about so many seconds; how many half-hours were made anew.

    Raises django.db.Error when the database is away or busy; whatever was not done stays marked.
    """
    ends_at = time.monotonic() + seconds
    review_rules()
    mark_come_of_age(now)
    mark_taken(now)
    follow(now)
    newest = StaleSlot.objects.aggregate(newest=Max("pk"))["newest"] or 0
    made = sum(make(half, now) for half in marked(ends_at))
    if not StaleSlot.objects.filter(pk__lte=newest).exists():
        Watermark.objects.filter(pk__in=NAMES).update(looked_at=now)
    if time.monotonic() < ends_at:
        made += rechecking.go_on(now, min(ends_at, time.monotonic() + seconds * SHARE_OF_PASSES))
    return made


def as_of() -> datetime | None:
    """Up to when everything is in the sums that was recorded by then; None before they ever were up to date.

    While the first back-fill is under way that is true of what was recorded since `rechecking.filled_to()`.
    """
    found: datetime | None = Watermark.objects.filter(pk__in=NAMES).values_list("looked_at", flat=True).first()
    return found


def mark_come_of_age(now: datetime) -> None:
    """Mark the half-hours of conversions that have become a day old since the last look: they are expected now."""
    mark, is_new = Watermark.objects.get_or_create(pk=OF_AGE, defaults={"reached_at": now})
    if is_new or mark.reached_at is None or mark.reached_at >= now:
        return
    since, until = mark.reached_at - DAY, now - DAY
    offers = Offer.objects.filter(event_rules__trigger="page").distinct()
    rows = Conversion.objects.filter(offer__in=offers, created_at__gt=since, created_at__lte=until)
    StaleSlot.objects.mark_of(rows, "offer_id", "created_at")
    Watermark.objects.filter(pk=OF_AGE).update(reached_at=now)


def mark_taken(now: datetime) -> None:
    """Mark the half-hours of what workers have taken since the last look: it counts as sent from then on.

    Without a mark of the worker's, whose time is dear; it leaves one when it knows what became of the deliveries.
    """
    since = (as_of() or now) - CLOCKS_DIFFER
    taken = Delivery.objects.filter(
        status=Delivery.Status.LEASED, lease_until__gte=since + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
    )
    StaleSlot.objects.mark_deliveries(taken)


def marked(ends_at: float) -> Iterator[Half]:
    """What is marked and does not rest, newest first, until then on the monotonic clock; each once."""
    done: set[tuple[int | None, int | None, datetime]] = set()
    place = 0
    while time.monotonic() < ends_at:
        rows = StaleSlot.objects.order_by().values_list("offer_id", "network_id", "starts_at").annotate(mark=Max("pk"))
        page = [Half(*row) for row in rows.order_by("-starts_at", "offer_id", "network_id")[place : place + AT_ONCE]]
        for half in page:
            if time.monotonic() >= ends_at:
                return
            if half.key in done or resting.get(half.key, 0.0) > time.monotonic():
                place += 1
                continue
            done.add(half.key)
            yield half
        if len(page) < AT_ONCE:
            return


def make(half: Half, now: datetime) -> int:
    """Make it anew, and leave it alone for a while when that was costly."""
    began = time.monotonic()
    if half.offer_id is not None:
        make_offer(half.offer_id, half.starts_at, now)
    elif half.network_id is not None:
        make_network(half.network_id, half.starts_at, now)
    rest(half, began, time.monotonic())
    return 1


def rest(half: Half, began: float, ended: float) -> None:
    for key in [key for key, until in resting.items() if until <= ended]:
        del resting[key]
    if ended - began > COSTLY_SECONDS:
        resting[half.key] = ended + PAUSE * (ended - began)
