"""The deliveries of the conversions of one offer's half-hour, read once."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from conversions.models import Sighting
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.prepared import prepared
from dispatch.tiktok.codes import Verdict

NO_FAULT_OF_THE_EVENT = (Verdict.AUTH, Verdict.THROTTLED)


@dataclass
class Promise:
    """What is counted of one delivery."""

    key: int
    conversion: int
    pixel: int
    status: str
    reason: str
    first_sent_at: datetime | None
    accepted_at: datetime | None
    tries: int = 0
    own_tries: int = 0
    seen: set[str] = field(default_factory=set)


def read(bucket: Bucket) -> list[Promise]:
    """Its deliveries with their tries and with what browsers said: three queries."""
    found = [Promise(*values) for values in deliveries(bucket)]
    if found:
        note_tries({promise.key: promise for promise in found}, bucket)
        note_sightings(found, bucket)
    return found


def note_tries(promises: dict[int, Promise], bucket: Bucket) -> None:
    for key, tries, own_tries in tries_of(bucket):
        if key in promises:
            promises[key].tries, promises[key].own_tries = tries, own_tries


def note_sightings(promises: list[Promise], bucket: Bucket) -> None:
    said: dict[int, set[str]] = {}
    for key, outcome in sightings(bucket):
        said.setdefault(key, set()).add(outcome)
    for promise in promises:
        promise.seen = said.get(promise.conversion, promise.seen)


@prepared
def deliveries(bucket: Bucket) -> "QuerySet[Any, Any]":
    """What a Promise begins with."""
    rows = Delivery.objects.filter(is_test=False, **bucket.of_conversion).order_by()
    return rows.values_list("pk", "conversion_id", "pixel_id", "status", "reason", "first_sent_at", "accepted_at")


@prepared
def tries_of(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Deliveries with how often they were tried, at all and but for what was no fault of the event."""
    of_delivery = {f"delivery__{name}": value for name, value in bucket.of_conversion.items()}
    rows = DeliveryAttempt.objects.filter(delivery__is_test=False, **of_delivery).order_by().values_list("delivery_id")
    own = ~Q(verdict__in=NO_FAULT_OF_THE_EVENT)
    return rows.annotate(Count("pk"), own=Count("pk", filter=own))


@prepared
def sightings(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Of which conversions, and what browsers said."""
    return Sighting.objects.filter(**bucket.of_conversion).order_by().values_list("conversion_id", "outcome")
