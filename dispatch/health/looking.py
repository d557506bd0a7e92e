"""Where to look for the rows behind a figure that no index leads to: the half-hours whose sums have any of them."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import F, Model, Q, QuerySet, Sum

from dispatch.models import OfferSlot, TellingSlot
from dispatch.models.rollup import SLOT
from dispatch.rollups.keeping import as_of
from dispatch.rollups.rechecking import filled_to
from dispatch.rollups.slots import slot_of

MOST_ROWS = 10_000
"""As many as a list counts; older half-hours than those that have so many are left out."""
MOST_SPANS = 100
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


def recorded_where(part: str, column: str, offers: QuerySet[Any], since: datetime | None, until: datetime | None) -> Q:
    """When rows of this part were recorded. What the sums don't know, or not yet, is looked through as a whole."""
    known = as_of()
    if known is None:
        return Q()
    found = Q(**{f"{column}__gte": slot_of(known)})
    if begin := filled_to():
        found |= Q(**{f"{column}__lt": begin})
    for start, end in spans(half_hours(part, offers, since, until)):
        found |= Q(**{f"{column}__gte": start, f"{column}__lt": end})
    return found


def half_hours(part: str, offers: QuerySet[Any], since: datetime | None, until: datetime | None) -> Iterator[datetime]:
    """When those with any begin, the newest first."""
    table, count = COUNTED[part]
    slots = table._default_manager.filter(offer__in=offers)
    if since:
        slots = slots.filter(starts_at__gte=slot_of(since))
    if until:
        slots = slots.filter(starts_at__lte=until)
    sums = slots.order_by("-starts_at").values_list("starts_at").annotate(rows=Sum(count)).filter(rows__gt=0)
    total = 0
    for starts_at, rows in sums:
        yield starts_at
        total += rows
        if total >= MOST_ROWS:
            return


def spans(starts: Iterable[datetime]) -> list[Span]:
    """From when until when they last, those side by side as one; the narrowest gaps between too many are closed."""
    found: list[Span] = []
    for starts_at in sorted(starts):
        begin = found.pop()[0] if found and found[-1][1] == starts_at else starts_at
        found.append((begin, starts_at + SLOT))
    widest = sorted(range(1, len(found)), key=lambda place: found[place - 1][1] - found[place][0])[: MOST_SPANS - 1]
    bounds = [0, *sorted(widest), len(found)] if found else []
    return [(found[first][0], found[last - 1][1]) for first, last in pairwise(bounds)]
