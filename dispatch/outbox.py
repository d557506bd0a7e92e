"""The outbox's two ends: claim deliveries for sending, settle them by what came back. HTTP happens in between."""

import random
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Count, F, QuerySet, When
from django.db.models.functions import Coalesce

from dispatch.models import Delivery, Lane, StaleSlot
from dispatch.models.delivery import DEDUP_WINDOW
from dispatch.reasons import Reason
from dispatch.rollups.stale import mark_stale
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import WITH_WARNING, Verdict
from dispatch.tiktok.contract import Event
from offers.models import Pixel

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


def lease() -> timedelta:
    """How long a claim is good for: well above a deadline and the patience of settling, it needs no renewing."""
    return timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)


def claim(pixel: Pixel, now: datetime, limit: int) -> list[Delivery]:
    """Lease up to `limit` due deliveries of a pixel to this worker alone, those that may travel together.

    On SQLite the transaction itself is the lock; on PostgreSQL locked rows are skipped. The status guard in the
    UPDATE keeps both right.
    """
    token = uuid.uuid4()
    with transaction.atomic():
        rows = Delivery.objects.due(now).filter(pixel=pixel).order_by("next_attempt_at")
        found = rows.select_for_update(skip_locked=True).values_list("pk", "batch_limit", "is_test")[:limit]
        keys = travelling_together(list(found))
        if not keys:
            return []
        Delivery.objects.filter(pk__in=keys, status=Status.WAITING).update(
            status=Status.LEASED,
            lease_token=token,
            lease_until=now + lease(),
            claims=F("claims") + 1,
            first_sent_at=Coalesce("first_sent_at", now),
        )
    return load(Delivery.objects.filter(lease_token=token, pk__in=keys))


def load(rows: QuerySet[Delivery]) -> list[Delivery]:
    """Deliveries with what their events are built from, and no more: most of sending is reading rows."""
    return list(rows.order_by().select_related("conversion").only(*NEEDED))


NEEDED = [
    *("lease_token", "attempts", "claims", "maybe_accepted", "first_sent_at", "detail", "is_test"),
    *("converted", "valued"),
    *(
        f"conversion__{name}"
        for name in (
            *("offer_id", "click_id", "event_name", "event_id", "occurrence_key", "network_event", "kind", "status"),
            *("payout", "amount", "currency"),
            *("occurred_at", "created_at", "page_url", "referrer", "email_sha256", "phone_sha256"),
            *("page_value", "page_currency", "page_properties"),
            *("margin", "lifetime_value", "segment", "lead_quality"),
        )
    ),
]


def travelling_together(found: list[tuple[int, int | None, bool]]) -> list[int]:
    """The keys to send in one request: those whose limit is that of the oldest, and no more than it says.

    So neither what TikTok refused nor what killed its worker takes innocent neighbours along. Tests go by themselves,
    as a test event code is one of the whole request.
    """
    if not found:
        return []
    kind = found[0][1:]
    return [key for key, limit, is_test in found if (limit, is_test) == kind][: kind[0]]


def is_on_trial(delivery: Delivery) -> bool:
    """Whether it is condemned if its worker dies once more: then nothing else may be under way that could be guilty."""
    return delivery.claims >= delivery.attempts + CRASHES_ALLOWED


def settle(deliveries: Sequence[Delivery], reply: Reply, now: datetime) -> int:
    """Write down what a request led to; how many deliveries were still ours to settle."""
    match reply.verdict:
        case Verdict.ACCEPTED:
            return settle_accepted(deliveries, reply, now)
        case Verdict.INVALID if len(deliveries) > 1:
            return halve(deliveries, now)
        case Verdict.INVALID:
            return settle_dead(deliveries, Reason.INVALID, reply.message)
        case Verdict.THROTTLED | Verdict.AUTH:
            return put_back(deliveries, now)
        case _:
            return settle_failed(deliveries, reply, now)


def settle_accepted(deliveries: Sequence[Delivery], reply: Reply, now: datetime) -> int:
    """Done; a warning that came with the acceptance is kept."""
    warning = f"Accepted with a warning: {reply.message}"[:500] if reply.code in WITH_WARNING else ""
    return change(
        deliveries,
        status=Status.ACCEPTED,
        accepted_at=now,
        reason="",
        detail=warning,
        attempts=F("attempts") + 1,
        **RELEASED,
    )


def settle_dead(
    deliveries: Sequence[Delivery], reason: Reason, detail: str, status: str = Status.DEAD, **changes: Any
) -> int:
    """Give deliveries up after a try, for a person to look at."""
    return change(
        deliveries, status=status, reason=reason, detail=detail[:500], attempts=F("attempts") + 1, **changes, **RELEASED
    )


def settle_unsent(delivery: Delivery, reason: Reason, detail: str, status: str, lacks_rate: str = "") -> int:
    """Not to be sent after all: no try was made, so none is counted."""
    return change(
        [delivery],
        status=status,
        reason=reason,
        detail=detail[:500],
        lacks_rate=lacks_rate,
        claims=F("claims") - 1,
        **RELEASED,
    )


def note_told(deliveries: Sequence[Delivery], name: str) -> None:
    """Write down by which rate they are told (`converted`) or what replaced their value (`valued`), before they go out:
    a copy that may have arrived keeps both."""
    if deliveries:
        ours(deliveries).bulk_update(deliveries, [name])


def settle_failed(deliveries: Sequence[Delivery], reply: Reply, now: datetime) -> int:
    """Try again later under the same event_id, as long as TikTok would still merge the copies."""
    by_attempts: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        by_attempts[delivery.attempts].append(delivery)
    return sum(retry(attempts, group, reply, now) for attempts, group in by_attempts.items())


def retry(attempts: int, deliveries: list[Delivery], reply: Reply, now: datetime) -> int:
    """What failed after so many recorded attempts waits for its next one, all of it for the same time.

    What fails with an answer again and again may have one among it that is to blame: it travels on in halves.
    """
    is_unknown = reply.verdict == Verdict.UNKNOWN
    unknown: dict[str, Any] = {"maybe_accepted": True} if is_unknown else {}
    if attempts >= len(RETRY_SECONDS):
        return settle_dead(deliveries, Reason.RETRIES_EXHAUSTED, reply.message, **unknown)
    next_attempt_at = now + timedelta(seconds=retry_seconds(attempts))
    unsafe = [d for d in deliveries if (is_unknown or d.maybe_accepted) and next_attempt_at > window_end(d, now)]
    held = settle_dead(unsafe, Reason.OUTCOME_UNKNOWN, reply.message, Status.HELD, **unknown) if unsafe else 0
    return held + change(
        [d for d in deliveries if d not in unsafe],
        status=Status.WAITING,
        next_attempt_at=next_attempt_at,
        attempts=F("attempts") + 1,
        detail=reply.message,
        **unknown,
        **({"batch_limit": len(deliveries) // 2} if attempts and reply.http_status and len(deliveries) > 1 else {}),
        **RELEASED,
    )


def window_end(delivery: Delivery, now: datetime) -> datetime:
    """Until when TikTok merges another copy with the first one."""
    return (delivery.first_sent_at or now) + DEDUP_WINDOW


def put_back(deliveries: Sequence[Delivery], next_attempt_at: datetime, **changes: Any) -> int:
    """Back into the queue without a counted attempt: it was not the event's fault.

    What TikTok has not got yet is not in its window yet.
    """
    never_sent = When(attempts=0, maybe_accepted=False, then=None)
    return change(
        deliveries,
        status=Status.WAITING,
        next_attempt_at=next_attempt_at,
        claims=F("claims") - 1,
        first_sent_at=Case(never_sent, default=F("first_sent_at")),
        **changes,
        **RELEASED,
    )


def halve(deliveries: Sequence[Delivery], now: datetime) -> int:
    """One of them is refused, and TikTok does not say which: they travel in halves, until the bad one stands alone."""
    return put_back(deliveries, now, batch_limit=len(deliveries) // 2)


def release_expired(now: datetime) -> int:
    """Take deliveries back whose worker died, to be sent alone; one that keeps killing workers is a dead letter."""
    expired = Delivery.objects.expired(now)
    counts = list(expired.order_by().values_list("pixel").annotate(Count("pk")))
    if not counts:
        return 0
    lost = {"maybe_accepted": True, "batch_limit": 1, **RELEASED}
    with transaction.atomic():
        StaleSlot.objects.mark_deliveries(expired)
        crashed = expired.filter(claims__gte=F("attempts") + CRASHES_ALLOWED)
        dead = crashed.update(status=Status.DEAD, reason=Reason.CRASH_LOOP, **lost)
        back = expired.update(status=Status.WAITING, next_attempt_at=now, **lost)
        for pixel_id, count in counts:
            Lane.objects.note_expiries(pixel_id, count)
    return dead + back


RELEASED = {"lease_token": None, "lease_until": None}


def change(deliveries: Sequence[Delivery], **changes: Any) -> int:
    """Change those that this worker still holds, and have their half-hours counted anew; how many there were."""
    with transaction.atomic(savepoint=False):
        count = ours(deliveries).update(**changes)
        if count:
            mark_stale(delivery.conversion for delivery in deliveries)
    return count


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
