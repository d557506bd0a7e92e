"""Sums as the roll-up writes them, for tests that are about reading them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from dispatch.models import OfferSlot, Source, SourceDay, SourceSlot
from dispatch.models.rollup import SLOT, Traffic
from dispatch.reports.figures import COUNTS, MONEY
from dispatch.rollups.slots import day_of, slot_of
from offers.models import Offer

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def put(offer: Offer, at: datetime, event: str = "", currency: str = "", **sums: Any) -> None:
    """Add to the sums of an offer's half-hour; values of Source among `sums` say where its clicks came from."""
    given = {name: sums.pop(name) for name in Source.DIMENSIONS if name in sums}
    digest = sha256(repr((offer.pk, sorted(given.items()))).encode()).hexdigest()
    source, _ = Source.objects.get_or_create(digest=digest, defaults={"offer": offer, **given})
    row = {"offer": offer, "event_name": event, "currency": currency}
    add(OfferSlot, {**row, "starts_at": slot_of(at)}, sums)
    add(SourceSlot, {**row, "starts_at": slot_of(at), "source": source}, sums)
    add(SourceDay, {**row, "starts_at": day_of(at), "source": source}, sums)


def add(model: type[Traffic], key: dict[str, Any], sums: dict[str, Any]) -> None:
    rows: Any = model._default_manager
    row, _ = rows.get_or_create(**key)
    for name in (*COUNTS, *MONEY):
        setattr(row, name, getattr(row, name) + sums.get(name, 0))
    row.save()


def every_half_hour(offer: Offer, since: datetime, hours: int, **sums: Any) -> None:
    """The same sums in each half-hour of some hours."""
    put(offer, since, **sums)
    source = Source.objects.get()
    figures = {name: sums[name] for name in sums if name in COUNTS}
    slots = [since + place * SLOT for place in range(1, hours * 2)]
    OfferSlot.objects.bulk_create(OfferSlot(offer=offer, starts_at=at, **figures) for at in slots)
    SourceSlot.objects.bulk_create(SourceSlot(offer=offer, source=source, starts_at=at, **figures) for at in slots)
    for day, count in Counter(map(day_of, slots)).items():
        row = {"offer": offer, "event_name": "", "currency": "", "source": source, "starts_at": day}
        add(SourceDay, row, {name: value * count for name, value in figures.items()})


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)
