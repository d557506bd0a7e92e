"""Erasing a person as a whole: what was recorded, what was sent, and what must not be sent any more."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from conversions.erased import emptiness, let_nothing_be_taken_in, marks_of
from conversions.erasing import wipe
from conversions.models import Click, Erasure
from conversions.signals import recount
from conversions.traces import Person, Traces, erased_before, find, pieces, resolve
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.reasons import Reason

Status = Delivery.Status
UNSENT = [Status.WAITING, Status.HELD, Status.DEAD]
CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True)
class Extent:
    """How much there is of a person. What is being sent ends as it ends, and its record is wiped then."""

    clicks: int
    conversions: int
    postbacks: int
    rows: int
    unsent: int
    sending: int
    told_before: int

    @property
    def is_nothing(self) -> bool:
        return not (self.clicks or self.postbacks or self.rows)


def look(person: Person) -> Extent:
    """What an erasure would wipe; nothing is changed."""
    traces = find(resolve(person))
    return extent(traces, deliveries_of(traces))


def erase(person: Person, user: Any, now: datetime) -> tuple[Erasure, Extent]:
    """Wipe the person in one transaction and keep a mark of their name, so that it is not taken in again.

    Where all was erased before, that erasure stands. Raises django.db.Error when the database is away or busy.
    """
    person = resolve(person)
    with leaving_no_remains(), transaction.atomic():
        let_nothing_be_taken_in()
        traces = find(person, lock=True)
        stands = None if has_news(traces) else erased_before(person)
        wipe(traces, now)
        recount(clicks=list(traces.clicks), conversions=list(traces.conversions))
        found = extent(traces, wipe_deliveries(traces))
        erasure = stands or mark(person, found, user, now)
    emptiness.forget()
    return erasure, found


def has_news(traces: Traces) -> bool:
    """Whether there is a click that is not erased yet."""
    return any(Click.objects.filter(pk__in=part, erased_at=None).exists() for part in pieces(traces.clicks))


def mark(person: Person, found: Extent, user: Any, now: datetime) -> Erasure:
    return Erasure.objects.create(
        subject=person.subject,
        key=marks_of(person.named)[0],
        clicks=found.clicks,
        conversions=found.conversions,
        told_before=found.told_before,
        created_by=user,
        created_at=now,
    )


def extent(traces: Traces, deliveries: Sequence[Delivery]) -> Extent:
    stand = Counter(delivery.status for delivery in deliveries)
    return Extent(
        clicks=len(traces.clicks),
        conversions=len(traces.conversions),
        postbacks=len(traces.postbacks),
        rows=len(traces.rows),
        unsent=sum(stand[status] for status in UNSENT),
        sending=stand[Status.LEASED],
        told_before=stand[Status.ACCEPTED],
    )


def deliveries_of(traces: Traces, lock: bool = False) -> list[Delivery]:
    rows = Delivery.objects.select_for_update() if lock else Delivery.objects.all()
    found = (rows.filter(conversion__in=part).order_by("pk").only("status") for part in pieces(traces.conversions))
    return [delivery for part in found for delivery in part]


def wipe_deliveries(traces: Traces) -> list[Delivery]:
    """Cancel what is not sent yet and empty what was recorded of the rest; the deliveries as they were.

    A worker that records a try later sees the erasure (forget_late()).
    """
    deliveries = deliveries_of(traces, lock=True)
    for part in pieces([delivery.pk for delivery in deliveries]):
        wipe_record(part)
        Delivery.objects.filter(pk__in=part, status__in=UNSENT).update(
            status=Status.SUPPRESSED, reason=Reason.ERASED, lacks_rate="", next_attempt_at=None
        )
    return deliveries


def wipe_record(keys: Sequence[int]) -> None:
    """Empty what was recorded of deliveries with these keys."""
    Delivery.objects.filter(pk__in=keys).exclude(detail="").update(detail="")
    worded = list(Delivery.objects.filter(pk__in=keys, valued__has_key="word").only("valued"))
    for delivery in worded:
        delivery.valued = {name: value for name, value in (delivery.valued or {}).items() if name != "word"}
    Delivery.objects.bulk_update(worded, ["valued"])
    DeliveryAttempt.objects.filter(delivery__in=keys).update(payload={}, message="")


def forget_late(deliveries: Sequence[Delivery]) -> None:
    """Empty what was just recorded of people who were erased while their events were under way.

    To be called in the transaction that recorded it, which has begun by let_nobody_be_erased().
    """
    first_sent = [delivery.first_sent_at for delivery in deliveries if delivery.first_sent_at]
    if not first_sent:
        return
    recent = Click.objects.filter(erased_at__gte=min(first_sent) - CLOCKS_DIFFER).order_by()
    erased = set(recent.values_list("pk", flat=True))
    late = [delivery.pk for delivery in deliveries if delivery.conversion.click_id in erased]
    if late:
        wipe_record(late)


@contextmanager
def leaving_no_remains() -> Iterator[None]:
    """Have SQLite overwrite what it deletes, in its file and then in the log beside it; PostgreSQL vacuums."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete")
        (before,) = cursor.fetchone()
        cursor.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA secure_delete = {int(before)}")
            if not connection.in_atomic_block:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # as far as nobody reads there at the moment
