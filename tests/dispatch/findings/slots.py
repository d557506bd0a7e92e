"""Sums by half-hour as tests of findings and decisions need them, counted back from now."""

from datetime import datetime, timedelta
from typing import Any

from dispatch.models import NetworkSlot, OfferSlot, TellingDay, TellingSlot
from dispatch.rollups.slots import slot_of
from offers.models import Network, Offer


def hours_before(now: datetime, hours: float) -> datetime:
    return slot_of(now - timedelta(hours=hours))


def sold(offer: Offer, now: datetime, hours: float = 1, **sums: Any) -> OfferSlot:
    """Conversions of the offer, or clicks when no event is named."""
    return OfferSlot.objects.create(offer=offer, starts_at=hours_before(now, hours), **sums)


def told(offer: Offer, now: datetime, hours: float = 1, **sums: Any) -> TellingSlot:
    starts_at = hours_before(now, hours)
    if "delays" in sums:  # of whole days, these are read
        TellingDay.objects.create(
            offer=offer, pixel=offer.pixel, starts_at=starts_at.replace(hour=0, minute=0), delays=sums["delays"]
        )
    return TellingSlot.objects.create(offer=offer, pixel=offer.pixel, starts_at=starts_at, **sums)


def heard(network: Network, now: datetime, hours: float = 1, **outcomes: int) -> None:
    for outcome, count in outcomes.items():
        NetworkSlot.objects.create(
            network=network, starts_at=hours_before(now, hours), outcome=outcome, postbacks=count
        )


def purchases(count: int, **more: Any) -> dict[str, Any]:
    return {"event_name": "Purchase", "currency": "USD", "approved": count, **more}
