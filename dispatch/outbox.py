"""The outbox's two ends: claim deliveries for sending, settle them by what came back. HTTP happens in between."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from dispatch.models import Credential, Delivery, DeliveryAttempt
from dispatch.models.delivery import DEDUP_WINDOW
from dispatch.reasons import Reason
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import WITH_WARNING, Verdict
from dispatch.tiktok.contract import Event
from dispatch.tiktok.payload import redacted
from offers.models import Pixel

LEASE = timedelta(seconds=90)  # well above a drain's longest request, so that it never needs renewing
RETRY_SECONDS = [10, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800]
JITTER = 0.2
THROTTLE_SECONDS = 30.0
LONGEST_RETRY_AFTER = 3600.0
CRASHES_ALLOWED = 3
Status = Delivery.Status


@dataclass(frozen=True)
class Shipment:
    """A claimed delivery with the event that is sent for it."""

    delivery: Delivery
    event: Event


def claim(pixel: Pixel, now: datetime, limit: int) -> list[Delivery]:
    """Lease up to `limit` due deliveries of a pixel to this worker alone.

    On SQLite the transaction itself is the lock; on PostgreSQL locked rows are skipped. The status guard in the
    UPDATE keeps both right.
    """
    token = uuid.uuid4()
    with transaction.atomic():
        rows = Delivery.objects.due(now).filter(pixel=pixel).order_by("next_attempt_at")
        found = rows.select_for_update(skip_locked=True).values_list("pk", "claims", "attempts")[:limit]
        keys = without_suspects(list(found))
        if not keys:
            return []
        Delivery.objects.filter(pk__in=keys, status=Status.WAITING).update(
            status=Status.LEASED,
            lease_token=token,
            lease_until=now + LEASE,
            claims=F("claims") + 1,
            first_sent_at=Coalesce("first_sent_at", now),
        )
    claimed = Delivery.objects.filter(lease_token=token, pk__in=keys)
    return list(claimed.select_related("conversion__click__offer", "conversion__offer", "pixel"))


def without_suspects(found: list[tuple[int, int, int]]) -> list[int]:
    """The keys to send together. A suspect, whose last claim led to no outcome, goes alone when it is the oldest, so
    that one which kills its worker takes no neighbours along."""
    suspects = [key for key, claims, attempts in found if claims > attempts]
    if found and found[0][0] in suspects:
        return suspects[:1]
    return [key for key, *_ in found if key not in suspects]


def record_attempts(shipments: Sequence[Shipment], reply: Reply, credential: Credential, started_at: datetime) -> None:
    """One DeliveryAttempt for each delivery of a request, with its payload shortened where it is personal."""
    request = uuid.uuid4()
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            delivery=shipment.delivery,
            credential=credential,
            request=request,
            batch_size=len(shipments),
            started_at=started_at,
            duration_ms=reply.duration_ms,
            verdict=reply.verdict,
            http_status=reply.http_status,
            code=reply.code,
            message=reply.message,
            request_id=reply.request_id,
            payload=redacted(shipment.event),
        )
        for shipment in shipments
    )


def settle(deliveries: Sequence[Delivery], reply: Reply, now: datetime) -> int:
    """Write down what a request led to; how many deliveries were still ours to settle."""
    match reply.verdict:
        case Verdict.ACCEPTED:
            return settle_accepted(deliveries, reply, now)
        case Verdict.INVALID:
            return sum(settle_dead(delivery, Reason.INVALID, reply.message) for delivery in deliveries)
        case Verdict.THROTTLED | Verdict.AUTH:
            return put_back(deliveries, now)
        case _:
            return sum(settle_failed(delivery, reply, now) for delivery in deliveries)


def settle_accepted(deliveries: Sequence[Delivery], reply: Reply, now: datetime) -> int:
    """Done; a warning that came with the acceptance is kept."""
    warning = f"Accepted with a warning: {reply.message}"[:500] if reply.code in WITH_WARNING else ""
    return ours(deliveries).update(
        status=Status.ACCEPTED, accepted_at=now, reason="", detail=warning, attempts=F("attempts") + 1, **RELEASED
    )


def settle_dead(delivery: Delivery, reason: Reason, detail: str, status: str = Status.DEAD) -> int:
    """Give a delivery up after a try, for a person to look at."""
    return ours([delivery]).update(
        status=status, reason=reason, detail=detail[:500], attempts=F("attempts") + 1, **RELEASED
    )


def settle_unsent(delivery: Delivery, reason: Reason, detail: str, status: str) -> int:
    """Not to be sent after all: no try was made, so none is counted."""
    return ours([delivery]).update(
        status=status, reason=reason, detail=detail[:500], claims=F("claims") - 1, **RELEASED
    )


def settle_failed(delivery: Delivery, reply: Reply, now: datetime) -> int:
    """Try again later under the same event_id, as long as TikTok would still merge the copies."""
    maybe = delivery.maybe_accepted or reply.verdict == Verdict.UNKNOWN
    if delivery.attempts >= len(RETRY_SECONDS):
        return settle_dead(delivery, Reason.RETRIES_EXHAUSTED, reply.message)
    next_attempt_at = now + timedelta(seconds=retry_seconds(delivery.attempts))
    first_sent_at = delivery.first_sent_at or now
    if maybe and next_attempt_at > first_sent_at + DEDUP_WINDOW:
        return settle_dead(delivery, Reason.OUTCOME_UNKNOWN, reply.message, Status.HELD)
    return ours([delivery]).update(
        status=Status.WAITING,
        next_attempt_at=next_attempt_at,
        attempts=F("attempts") + 1,
        maybe_accepted=maybe,
        detail=reply.message,
        **RELEASED,
    )


def put_back(deliveries: Sequence[Delivery], next_attempt_at: datetime) -> int:
    """Back into the queue without a counted attempt: it was not the event's fault."""
    return ours(deliveries).update(
        status=Status.WAITING, next_attempt_at=next_attempt_at, claims=F("claims") - 1, **RELEASED
    )


def put_back_as_suspects(deliveries: Sequence[Delivery], next_attempt_at: datetime) -> int:
    """Back into the queue, each to be sent alone."""
    return ours(deliveries).update(status=Status.WAITING, next_attempt_at=next_attempt_at, **RELEASED)


def release_expired(now: datetime) -> int:
    """Take deliveries back whose worker died; one that keeps killing workers becomes a dead letter."""
    crashed = {"claims__gte": F("attempts") + CRASHES_ALLOWED}
    expired = Delivery.objects.expired(now)
    dead = expired.filter(**crashed).update(
        status=Status.DEAD, reason=Reason.CRASH_LOOP, maybe_accepted=True, **RELEASED
    )
    return dead + Delivery.objects.expired(now).update(
        status=Status.WAITING, next_attempt_at=now, maybe_accepted=True, **RELEASED
    )


RELEASED = {"lease_token": None, "lease_until": None}


def ours(deliveries: Sequence[Delivery]) -> QuerySet[Delivery]:
    """The deliveries that this worker still holds: their lease tokens are the fence against a late settle."""
    tokens = {delivery.lease_token for delivery in deliveries}
    keys = [delivery.pk for delivery in deliveries]
    return Delivery.objects.filter(pk__in=keys, lease_token__in=tokens, status=Status.LEASED)


def retry_seconds(attempts: int) -> float:
    """How long to wait after so many recorded attempts, with jitter."""
    return RETRY_SECONDS[attempts] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - not a secret


def throttle_seconds(reply: Reply) -> float:
    """TikTok's own Retry-After up to an hour, else half a minute, with jitter."""
    seconds = min(reply.retry_after or THROTTLE_SECONDS, LONGEST_RETRY_AFTER)
    return seconds * random.uniform(1, 1 + JITTER)  # noqa: S311 - not a secret
