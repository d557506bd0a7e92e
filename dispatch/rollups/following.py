"""Following tables by their primary keys: which half-hours have new rows.

A key is given before its row is committed, so a row may show up after others with larger keys. Whatever was newest at
least five minutes ago is settled; what lies between that and the newest row is counted again with every look, and
marked again as a whole when there is more of it than before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Count, Max, Model, Q, QuerySet

from conversions.click_ids import first_click_id
from conversions.models import Click, Conversion, LedgerEntry, Postback, Sighting
from dispatch.models import Delivery, DeliveryAttempt, StaleSlot, Watermark

LATE_AT_MOST = timedelta(minutes=5)
CLOCKS_DIFFER = timedelta(minutes=5)
Marks = Callable[[QuerySet[Any]], None]


@dataclass(frozen=True)
class Followed:
    """A table, how it is called, and how the half-hours of its rows are marked."""

    name: str
    model: type[Model]
    mark: Marks


def of(owner: str, moment: str, network: bool = False) -> Marks:
    """Mark by these columns of the rows themselves."""
    return lambda rows: StaleSlot.objects.mark_of(rows, owner, moment, network)


def of_kin(column: str) -> Marks:
    """Mark the conversions that this column names, and what may be their doubles."""
    return lambda rows: StaleSlot.objects.mark_kin(rows.order_by().values_list(column, flat=True).distinct())


def of_conversion(path: str) -> Marks:
    return of(f"{path}__offer_id", f"{path}__created_at")


FOLLOWED: Sequence[Followed] = (
    Followed("click", Click, of("offer_id", "created_at")),
    Followed("conversion", Conversion, of_kin("pk")),
    Followed("ledger_entry", LedgerEntry, of_kin("conversion_id")),
    Followed("sighting", Sighting, of_conversion("conversion")),
    Followed("delivery", Delivery, of_conversion("conversion")),
    Followed("attempt", DeliveryAttempt, of_conversion("delivery__conversion")),
    Followed("postback", Postback, of("network_id", "received_at", network=True)),
)


def follow(now: datetime) -> None:
    """Mark the half-hours of rows that are new since the last look. What is there at first is for the back-fill."""
    for followed in FOLLOWED:
        look(followed, now)


@transaction.atomic
def look(followed: Followed, now: datetime) -> None:
    """Look at one table; two that do it at once wait for each other."""
    mark = Watermark.objects.select_for_update().filter(pk=followed.name).first()
    if mark is None:
        begin(followed, now)
        return
    newest = newest_of(followed.model)
    is_settled = mark.reached_at is None or now - mark.reached_at >= LATE_AT_MOST
    settled = mark.reached if is_settled else mark.settled
    rows = after(followed.model, mark.settled, newest)
    # One query for both numbers, so that no row is committed in between that neither of them knows.
    known = Count("pk", filter=up_to(followed.model, mark.seen))
    unsettled = Count("pk", filter=above(followed.model, settled))
    counts = rows.aggregate(known=known, found=Count("pk"), unsettled=unsettled)
    is_late = counts["known"] != mark.counted
    if is_late or counts["found"] > counts["known"]:
        followed.mark(after(followed.model, mark.settled if is_late else mark.seen, newest))
    if is_settled:
        mark.settled, mark.reached, mark.reached_at = settled, newest, now
    mark.seen, mark.counted = newest, counts["unsettled"]
    mark.save()


def begin(followed: Followed, now: datetime) -> None:
    newest = newest_of(followed.model)
    Watermark.objects.get_or_create(
        pk=followed.name, defaults={"settled": newest, "reached": newest, "reached_at": now, "seen": newest}
    )


def newest_of(model: type[Model]) -> str:
    """The largest key that may follow from the time; uploads make click ids out of what they know a click by."""
    rows = model._default_manager.order_by()
    rows = rows.filter(pk__lte=first_click_id(datetime.now(UTC) + CLOCKS_DIFFER)) if by_text(model) else rows
    return str(rows.aggregate(newest=Max("pk"))["newest"] or "")


def after(model: type[Model], low: str, high: str) -> QuerySet[Any]:
    """Rows with keys above the one and up to the other."""
    return model._default_manager.order_by().filter(above(model, low), up_to(model, high))


def above(model: type[Model], key: str) -> Q:
    return Q(pk__gt=key if by_text(model) else int(key or 0))


def up_to(model: type[Model], key: str) -> Q:
    return Q(pk__lte=key if by_text(model) else int(key or 0))


def by_text(model: type[Model]) -> bool:
    return isinstance(model._meta.pk, CharField)
