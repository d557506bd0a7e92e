"""Send: drain a pixel's queue. Claim, build, post, settle, until nothing is due, TikTok says stop, or time is up."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from dispatch import outbox
from dispatch.models import Credential, Delivery, Lane
from dispatch.outbox import Shipment
from dispatch.planning import decide, rules_of
from dispatch.reasons import Reason
from dispatch.tiktok import client
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from dispatch.tiktok.contract import MAX_BODY_BYTES, make_body
from offers.encryption import SecretUnreadableError
from offers.models import EventRule, Pixel

TURN_SECONDS = 5.0  # then the others' turn: other pixels and the digest wait on the same workers
LAST_CALL_SECONDS = 25.0  # for the requests of a claim, halves included; with one deadline more, below a task's limit
STOP = frozenset({Verdict.THROTTLED, Verdict.AUTH, Verdict.TRANSIENT, Verdict.UNKNOWN})


def pixels_with_work(now: datetime) -> QuerySet[Pixel]:
    """Pixels that have something due and may be sent to."""
    due = Delivery.objects.due(now).filter(pixel=OuterRef("pk"))
    usable = Credential.objects.usable().filter(pixel=OuterRef("pk"))
    closed = Lane.objects.closed(now).filter(pixel=OuterRef("pk"))
    return Pixel.objects.sending().filter(Exists(due), Exists(usable), ~Exists(closed))


def drain(pixel_id: int) -> int:
    """Send what is due for a pixel for one turn, unless another worker does; how many deliveries were claimed.

    Ends after the first request that TikTok did not answer well, so that trouble costs one request a turn.
    """
    stay = timedelta(seconds=TURN_SECONDS + LAST_CALL_SECONDS + settings.TIKTOK_DEADLINE_SECONDS)
    if not Lane.objects.enter(pixel_id, timezone.now(), stay):
        return 0
    try:
        return take_turn(pixel_id)
    finally:
        Lane.objects.leave(pixel_id)


def take_turn(pixel_id: int) -> int:
    claimed = 0
    ends_at = time.monotonic() + TURN_SECONDS
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
        token = credential.reveal_to_send()
    except SecretUnreadableError as error:
        refuse_credential(credential, str(error), deliveries)
        return False
    call = Call(credential, token, time.monotonic() + LAST_CALL_SECONDS)
    return send_all(list(split_by_size(build_shipments(deliveries))), call)


@dataclass(frozen=True)
class Call:
    """What the requests of one claim share: the credential, and when to stop (on the monotonic clock)."""

    credential: Credential
    token: str = field(repr=False)
    ends_at: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends_at


def build_shipments(deliveries: Sequence[Delivery]) -> list[Shipment]:
    """The deliveries that may still go, each with its event; the others are settled with their reason."""
    now = timezone.now()
    rules = rules_of({delivery.conversion.offer_id for delivery in deliveries})
    made = (make_shipment(delivery, rules[delivery.conversion.offer_id], now) for delivery in deliveries)
    return [shipment for shipment in made if shipment]


def make_shipment(delivery: Delivery, rules: list[EventRule], now: datetime) -> Shipment | None:
    """Consent, rule, contract and window are asked again at the last moment: they may have changed since the plan."""
    decision = decide(delivery.conversion, rules, now)
    if decision is None:
        gone = "The offer has no event rule for this conversion any more."
        outbox.settle_unsent(delivery, Reason.CONTRACT, gone, Delivery.Status.DEAD)
    elif decision.event is None:
        outbox.settle_unsent(delivery, Reason(decision.reason), decision.detail, decision.status)
    elif delivery.could_double(now):
        outbox.settle_unsent(delivery, Reason.OUTCOME_UNKNOWN, delivery.detail, Delivery.Status.HELD)
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


def send_all(batches: list[list[Shipment]], call: Call) -> bool:
    """Send batch after batch; True when all were sent. When sending should rest, what is left goes back.

    Out of time, it goes back to be sent one by one: something among it is refused, and halving it again from the
    start would never end where answers are slow.
    """
    for index, batch in enumerate(batches):
        if call.is_over:
            outbox.put_back_as_suspects(deliveries_of(batches[index:]), timezone.now())
            return False
        if not send_batch(batch, call):
            outbox.put_back(deliveries_of(batches[index + 1 :]), timezone.now())
            return False
    return True


def send_batch(shipments: list[Shipment], call: Call) -> bool:
    """One request, and more when TikTok refuses an event of it: halves, until the bad one stands alone.

    False when sending should rest.
    """
    pixel = shipments[0].delivery.pixel
    started_at = timezone.now()
    body = make_body(pixel.code, pixel.live_test_event_code, [shipment.event for shipment in shipments])
    reply = client.send(body, call.token)
    if reply.verdict == Verdict.INVALID and len(shipments) > 1:
        middle = len(shipments) // 2
        return send_all([shipments[:middle], shipments[middle:]], call)
    finish(shipments, reply, call.credential, started_at)
    return reply.verdict not in STOP


def deliveries_of(batches: list[list[Shipment]]) -> list[Delivery]:
    return [shipment.delivery for batch in batches for shipment in batch]


def finish(shipments: Sequence[Shipment], reply: Reply, credential: Credential, started_at: datetime) -> None:
    """Record the attempts, settle the deliveries and remember what it says of the pixel, all or nothing."""
    now = timezone.now()
    with transaction.atomic():
        if reply.verdict == Verdict.AUTH:
            pause_for_auth(credential, reply.message, now)  # first: it locks in the order that rotation does
        outbox.record_attempts(shipments, reply, credential, started_at)
        outbox.settle([shipment.delivery for shipment in shipments], reply, now)
        if reply.verdict == Verdict.ACCEPTED:
            credential.note_accepted(now)
        if reply.verdict == Verdict.THROTTLED:
            rest = timedelta(seconds=outbox.throttle_seconds(reply))
            Lane.objects.rest(credential.pixel_id, now + rest)


def refuse_credential(credential: Credential, message: str, deliveries: Sequence[Delivery]) -> None:
    """A credential that can't even be read: nothing was sent, the queue is kept."""
    now = timezone.now()
    with transaction.atomic():
        pause_for_auth(credential, message, now)
        outbox.put_back(deliveries, now)


def pause_for_auth(credential: Credential, message: str, now: datetime) -> None:
    """Stop the pixel because TikTok refused its credential, unless another one has been promoted meanwhile.

    A pause by staff stays theirs, or a promotion would undo it.
    """
    pixel = Pixel.objects.select_for_update().get(pk=credential.pixel_id)
    credential.note_refused(message, now)
    still_in_use = Credential.objects.usable().filter(pixel=pixel).first()
    if still_in_use == credential and pixel.paused_by == Pixel.PausedBy.NOBODY:
        pixel.pause(Pixel.PausedBy.AUTH, message, now)
