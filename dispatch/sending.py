"""Send: drain a pixel's queue. Claim, build, post, settle, until nothing is due, TikTok says stop, or time is up."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from dispatch import outbox
from dispatch.models import Credential, Delivery
from dispatch.outbox import Shipment
from dispatch.planning import decide, rules_of
from dispatch.reasons import Reason
from dispatch.tiktok import client
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from dispatch.tiktok.contract import MAX_BODY_BYTES, make_body
from offers.encryption import SecretUnreadableError
from offers.models import EventRule, Pixel

DRAIN_SECONDS = 40.0  # below the task's own time limit, with room for one last request
STOP = frozenset({Verdict.THROTTLED, Verdict.AUTH, Verdict.TRANSIENT, Verdict.UNKNOWN})


def pixels_with_work(now: datetime) -> QuerySet[Pixel]:
    """Pixels that have something due and may be sent to."""
    due = Delivery.objects.due(now).filter(pixel=OuterRef("pk"))
    usable = Credential.objects.usable().filter(pixel=OuterRef("pk"))
    return Pixel.objects.sending().filter(Exists(due), Exists(usable))


def drain(pixel_id: int) -> int:
    """Send what is due for a pixel; how many deliveries were claimed.

    Ends after the first request that TikTok did not answer well, so that trouble costs one request a turn.
    """
    claimed = 0
    ends_at = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < ends_at:
        pixel = Pixel.objects.sending().filter(pk=pixel_id).first()
        credential = Credential.objects.usable().filter(pixel=pixel).first() if pixel else None
        if pixel is None or credential is None:
            break
        deliveries = outbox.claim(pixel, timezone.now(), settings.TIKTOK_BATCH_SIZE)
        claimed += len(deliveries)
        if not deliveries or not send_claimed(deliveries, credential):
            break
    return claimed


def send_claimed(deliveries: Sequence[Delivery], credential: Credential) -> bool:
    """Build, post and settle claimed deliveries; False when sending should rest."""
    try:
        token = credential.reveal()
    except SecretUnreadableError as error:
        refuse_credential(credential, str(error), deliveries)
        return False
    shipments = build_shipments(deliveries)
    batches = list(split_by_size(shipments))
    for index, batch in enumerate(batches):
        if not send_batch(batch, credential, token):
            rest = [shipment.delivery for later in batches[index + 1 :] for shipment in later]
            outbox.put_back(rest, timezone.now())
            return False
    return True


def build_shipments(deliveries: Sequence[Delivery]) -> list[Shipment]:
    """The deliveries that may still go, each with its event; the others are settled with their reason."""
    now = timezone.now()
    rules = rules_of({delivery.conversion.offer_id for delivery in deliveries})
    made = (make_shipment(delivery, rules[delivery.conversion.offer_id], now) for delivery in deliveries)
    return [shipment for shipment in made if shipment]


def make_shipment(delivery: Delivery, rules: list[EventRule], now: datetime) -> Shipment | None:
    """Consent, rule and contract are asked again at the last moment: they may have changed since the plan."""
    decision = decide(delivery.conversion, rules, now)
    if decision is None:
        outbox.settle_dead(delivery, Reason.CONTRACT, "The offer has no event rule for this conversion any more.")
    elif decision.event is None:
        outbox.settle_dead(delivery, Reason(decision.reason), decision.detail, decision.status)
    else:
        return Shipment(delivery, decision.event)
    return None


def split_by_size(shipments: Sequence[Shipment]) -> Iterator[list[Shipment]]:
    """Batches whose bodies stay under a megabyte."""
    batch: list[Shipment] = []
    size = 0
    for shipment in shipments:
        weight = len(orjson.dumps(shipment.event)) + 1
        if batch and size + weight > MAX_BODY_BYTES - 1000:
            yield batch
            batch, size = [], 0
        batch.append(shipment)
        size += weight
    if batch:
        yield batch


def send_batch(shipments: Sequence[Shipment], credential: Credential, token: str) -> bool:
    """One request, and more when TikTok refuses an event of it: halves, until the bad one stands alone.

    False when sending should rest.
    """
    pixel = shipments[0].delivery.pixel
    started_at = timezone.now()
    body = make_body(pixel.code, pixel.live_test_event_code, [shipment.event for shipment in shipments])
    reply = client.send(body, token)
    if reply.verdict == Verdict.INVALID and len(shipments) > 1:
        middle = len(shipments) // 2
        return bisect(shipments[:middle], shipments[middle:], credential, token)
    finish(shipments, reply, credential, started_at)
    return reply.verdict not in STOP


def bisect(left: Sequence[Shipment], right: Sequence[Shipment], credential: Credential, token: str) -> bool:
    """Send two halves of a refused batch; the second one goes back when the first one has to rest."""
    if send_batch(left, credential, token):
        return send_batch(right, credential, token)
    outbox.put_back([shipment.delivery for shipment in right], timezone.now())
    return False


def finish(shipments: Sequence[Shipment], reply: Reply, credential: Credential, started_at: datetime) -> None:
    """Record the attempts, settle the deliveries and remember what it says of the credential, all or nothing."""
    now = timezone.now()
    deliveries = [shipment.delivery for shipment in shipments]
    with transaction.atomic():
        outbox.record_attempts(shipments, reply, credential, started_at)
        outbox.settle(deliveries, reply, now)
        if reply.verdict == Verdict.ACCEPTED:
            credential.note_accepted(now)
        if reply.verdict == Verdict.AUTH:
            pause_for_auth(credential, reply.message, now)


def refuse_credential(credential: Credential, message: str, deliveries: Sequence[Delivery]) -> None:
    """A credential that can't even be read: nothing was sent, the queue is kept."""
    now = timezone.now()
    with transaction.atomic():
        outbox.put_back(deliveries, now)
        pause_for_auth(credential, message, now)


def pause_for_auth(credential: Credential, message: str, now: datetime) -> None:
    """Stop the pixel because TikTok refused its credential, unless another one has been promoted meanwhile."""
    credential.note_refused(message, now)
    still_in_use = Credential.objects.usable().filter(pixel=credential.pixel_id).first()
    if still_in_use and still_in_use.pk == credential.pk:
        credential.pixel.pause(Pixel.PausedBy.AUTH, message, now)
