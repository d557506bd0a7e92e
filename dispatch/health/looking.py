"""Where to look for the rows behind a figure that no index leads to: the half-hours whose sums have any of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

from django.db.models import F, Model, Q, QuerySet, Sum

from dispatch.models import OfferSlot, TellingSlot
from dispatch.models.rollup import SLOT
from dispatch.rollups.keeping import as_of
from dispatch.rollups.rechecking import filled_to
from dispatch.rollups.slots import RESOLUTION, slot_of

MOST_ROWS = 10_000
"""As many as a list counts."""
MOST_SPANS = 100
FURTHER = 4
DUE = F("accepted") + F("waiting") + F("dead") + F("discarded")
COUNTED: dict[str, tuple[type[Model], Any]] = {
    "tried": (TellingSlot, F("tried")),
    "retried": (TellingSlot, F("retried")),
    "both_legs": (TellingSlot, F("both_legs")),
    "fired": (TellingSlot, F("fired")),
    "blocked": (TellingSlot, F("blocked")),
    "unheard": (TellingSlot, F("both_legs") - F("fired") - F("blocked")),
    "no_ttclid": (TellingSlot, DUE - F("with_ttclid")),
    "no_ttp": (TellingSlot, DUE - F("with_ttp")),
    "doubles": (OfferSlot, F("doubles")),
    "expected": (OfferSlot, F("expected")),
    "unreported": (OfferSlot, F("unreported")),
}
"""Of each figure, the sums by half-hour and what they say of it."""
Span = tuple[datetime, datetime]
HalfHour = tuple[datetime, int]
"""When it begins, and how many there are in it by the sums."""


@dataclass(frozen=True)
class Asked:
    """Of which figure, offers, pixels and time the rows are wanted: all pixels where none is named.

    `column` is when rows were recorded.
    """

    part: str
    column: str
    offers: QuerySet[Any]
    pixels: Sequence[int] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_of_half_hours(self) -> bool:
        """Whether it begins and ends with one."""
        begins = self.since is None or self.since == slot_of(self.since)
        return begins and (self.until is None or self.until - slot_of(self.until) == SLOT - RESOLUTION)


def look(asked: Asked, select: Callable[[Q], QuerySet[Any]], wanted: int) -> tuple[list[int], int]:
    """The keys of so many of the newest rows, at least, if there are; and how many there are in all.

    `select` gives the rows that were recorded where it is told. Of the half-hours that are too old to be looked
    through, the sums tell how many rows there are.
    """
    if (known := known_until()) is None:
        return newest(select(Q()), asked.column)
    halves, near = half_hours(asked, known), wanted
    while True:
        reached = reach(halves, near)
        keys, count = newest(select(recorded_in(asked.column, halves[:reached], known)), asked.column)
        if count >= wanted or reached == len(halves):
            return keys, count + sum(rows for _, rows in halves[reached:])
        near *= FURTHER


def recorded_where(asked: Asked) -> Q:
    """When all of the rows were recorded, and others, too."""
    known = known_until()
    return Q() if known is None else recorded_in(asked.column, half_hours(asked, known), known)


def known_until() -> datetime | None:
    """Of all that was recorded before, there are sums; None while there are not."""
    known = as_of()
    return slot_of(known) if known and not filled_to() else None


def newest(rows: QuerySet[Any], column: str) -> tuple[list[int], int]:
    keys = list(rows.order_by(f"-{column}", "-pk").values_list("pk", flat=True)[:MOST_ROWS])
    return keys, len(keys)


def half_hours(asked: Asked, until: datetime) -> list[HalfHour]:
    """Those with any that began before, the newest first."""
    table, count = COUNTED[asked.part]
    slots = table._default_manager.filter(offer__in=asked.offers, starts_at__lt=until)
    if asked.pixels:
        slots = slots.filter(pixel__in=asked.pixels)
    if asked.since:
        slots = slots.filter(starts_at__gte=slot_of(asked.since))
    if asked.until:
        slots = slots.filter(starts_at__lte=asked.until)
    sums = slots.order_by("-starts_at").values_list("starts_at").annotate(rows=Sum(count))
    return list(sums.filter(rows__gt=0))


def reach(halves: Sequence[HalfHour], wanted: int) -> int:
    """How many of the half-hours have so many rows."""
    for number, total in enumerate(accumulate(rows for _, rows in halves), 1):
        if total >= wanted:
            return number
    return len(halves)


def recorded_in(column: str, halves: Sequence[HalfHour], known: datetime) -> Q:
    """In these half-hours, or after those that there are sums of."""
    found = Q(**{f"{column}__gte": known})
    for start, end in spans(starts_at for starts_at, _ in halves):
        found |= Q(**{f"{column}__gte": start, f"{column}__lt": end})
    return found


def spans(starts: Iterable[datetime]) -> list[Span]:
    """From when until when they last, those side by side as one; the narrowest gaps between too many are closed."""
    found: list[Span] = []
    for starts_at in sorted(starts):
        begin = found.pop()[0] if found and found[-1][1] == starts_at else starts_at
        found.append((begin, starts_at + SLOT))
    widest = sorted(range(1, len(found)), key=lambda place: found[place - 1][1] - found[place][0])[: MOST_SPANS - 1]
    bounds = [0, *sorted(widest), len(found)] if found else []
    return [(found[first][0], found[last - 1][1]) for first, last in pairwise(bounds)]
