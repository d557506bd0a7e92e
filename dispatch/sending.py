"""One request to TikTok: admitted, claimed, built, posted, settled."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone

from conversions.erased import let_nobody_be_erased
from conversions.outage import is_outage
from dispatch import clock, outbox, takeover
from dispatch.erasure import forget_late
from dispatch.models import Credential, Delivery, Lane, Tally
from dispatch.money import RateBook, Rates
from dispatch.outbox import Shipment
from dispatch.planning import decide, keeping, rules_of, told_before
from dispatch.reasons import Reason
from dispatch.record import record_attempts
from dispatch.tiktok import client
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from dispatch.tiktok.contract import MAX_BODY_BYTES, make_body
from dispatch.visitors import read_visitors
from offers.encryption import SecretUnreadableError
from offers.models import EventRule, Pixel

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5


def pixels_with_work(now: datetime) -> QuerySet[Pixel]:
    """Pixels that have something due and may be sent to.

    One look into the index for each pixel: PostgreSQL would join a plain EXISTS with every due row of all pixels.
    """
    waiting = Delivery.objects.filter(status=Delivery.Status.WAITING, pixel=OuterRef("pk"))
    earliest = waiting.order_by("next_attempt_at").values("next_attempt_at")[:1]
    usable = Credential.objects.usable().filter(pixel=OuterRef("pk"))
    closed = Lane.objects.closed(now).filter(pixel=OuterRef("pk"))
    sending = Pixel.objects.sending().filter(Exists(usable), ~Exists(closed))
    return sending.annotate(due_at=Subquery(earliest)).filter(due_at__lte=now)


@dataclass(frozen=True)
class Parcel:
    """One request, ready to go. `lane` is as it was on admission."""

    lane: Lane
    credential: Credential
    token: str = field(repr=False)
    shipments: list[Shipment]

    @property
    def deliveries(self) -> list[Delivery]:
        return [shipment.delivery for shipment in self.shipments]

    @property
    def is_test(self) -> bool:
        """Whether TikTok is told of tests; they never share a request with what counts."""
        return self.shipments[0].delivery.is_test


Trial = Callable[[], timedelta | None]
"""Asked before what its worker's next death condemns is sent: how long it has to wait, None when it may go."""


def pack(lane: Lane, requests: int, now: datetime, trial: Trial) -> list[Parcel]:
    """The next requests to a pixel, so many at most; none when they are not admitted or nothing is due."""
    room = lane.events_at_once(now)
    if not Lane.objects.admit(lane, requests, requests * room, now):
        return []
    parcels: list[Parcel] = []
    try:
        parcels = fill(lane, requests, room, now, trial)
    finally:
        used = sum(len(parcel.shipments) for parcel in parcels)
        with suppress(OperationalError, InterfaceError):  # it costs a moment; the requests must go out
            Lane.objects.refund(lane, requests - len(parcels), requests * room - used, now)
    return parcels


def fill(lane: Lane, requests: int, room: int, now: datetime, trial: Trial) -> list[Parcel]:
    """Claim what is due and make requests of it. What can't be sent now goes back, whatever the reason."""
    credential = Credential.objects.usable().filter(pixel=lane.pixel).first()
    deliveries = outbox.claim(lane.pixel, now, requests * room) if credential else []
    if credential is None or not deliveries or lacks_test_code(lane.pixel, deliveries):
        return []
    wait = trial() if any(map(outbox.is_on_trial, deliveries)) else None
    if wait is not None:
        outbox.put_back(deliveries, now + wait)
        return []
    try:
        return make_parcels(lane, credential, deliveries, requests, room, now)
    except SecretUnreadableError as error:
        takeover.refuse(credential, str(error), now)
        outbox.put_back(deliveries, now)
        return []
    except Exception:
        outbox.put_back(deliveries, now)
        raise


def lacks_test_code(pixel: Pixel, deliveries: Sequence[Delivery]) -> bool:
    """Whether these are tests that TikTok would count for want of a test event code; then they are not sent at all."""
    if not deliveries[0].is_test or pixel.test_event_code:
        return False
    for delivery in deliveries:
        detail = f"{pixel} has no test event code, without which TikTok would count the test."
        outbox.settle_unsent(delivery, Reason.NO_TEST_CODE, detail, Delivery.Status.DEAD)
    return True


def make_parcels(
    lane: Lane, credential: Credential, deliveries: Sequence[Delivery], requests: int, room: int, now: datetime
) -> list[Parcel]:
    """Raises SecretUnreadableError."""
    token = credential.reveal_to_send()
    batches = list(split(build_shipments(deliveries, now), room))
    for left in batches[requests:]:
        outbox.put_back([shipment.delivery for shipment in left], now)
    return [Parcel(lane, credential, token, batch) for batch in batches[:requests]]


def split(shipments: Sequence[Shipment], room: int) -> Iterator[list[Shipment]]:
    """Requests of so many events at most, whose bodies stay under a megabyte."""
    batch: list[Shipment] = []
    size = 0
    for shipment in shipments:
        weight = len(orjson.dumps(shipment.event)) + 1
        if batch and (len(batch) == room or size + weight > MAX_BODY_BYTES - 1000):
            yield batch
            batch, size = [], 0
        batch.append(shipment)
        size += weight
    if batch:
        yield batch


def build_shipments(deliveries: Sequence[Delivery], now: datetime) -> list[Shipment]:
    """The deliveries that may still go, each with its event; the others are settled with their reason."""
    read_visitors([delivery.conversion for delivery in deliveries])
    rules = rules_of({delivery.conversion.offer_id for delivery in deliveries})
    rates = RateBook().find
    before = {delivery.pk: (delivery.converted, delivery.valued) for delivery in deliveries}
    made = (make_shipment(delivery, rules[delivery.conversion.offer_id], rates, now) for delivery in deliveries)
    shipments = [shipment for shipment in made if shipment]
    sending = [shipment.delivery for shipment in shipments]
    for place, name in enumerate(("converted", "valued")):
        outbox.note_told([row for row in sending if getattr(row, name) != before[row.pk][place]], name)
    return shipments


def make_shipment(delivery: Delivery, rules: list[EventRule], rates: Rates, now: datetime) -> Shipment | None:
    """Consent, rule, contract and window are asked again at the last moment: they may have changed since the plan."""
    decision = decide(delivery.conversion, rules, now, keeping(delivery, rates), told_before(delivery))
    if decision is None:
        gone = "The offer has no event rule for this conversion any more."
        outbox.settle_unsent(delivery, Reason.CONTRACT, gone, Delivery.Status.DEAD)
    elif decision.event is None:
        reason, lacks = Reason(decision.reason), decision.lacks_rate
        outbox.settle_unsent(delivery, reason, decision.detail, decision.status, lacks)
    elif delivery.could_double(now):
        outbox.settle_unsent(delivery, Reason.OUTCOME_UNKNOWN, delivery.detail, Delivery.Status.HELD)
    else:
        delivery.converted, delivery.valued = decision.converted, decision.valued
        return Shipment(delivery, decision.event)
    return None


def post(parcel: Parcel) -> tuple[Reply, datetime]:
    """TikTok's reply and when the request began. Needs no database."""
    started_at = timezone.now()
    pixel = parcel.lane.pixel
    test_event_code = pixel.test_event_code if parcel.is_test else pixel.live_test_event_code
    body = make_body(pixel.code, test_event_code, [shipment.event for shipment in parcel.shipments])
    return client.send(body, parcel.token), started_at


def patience_seconds() -> float:
    """How long a reply waits for a database that is away: what TikTok said is known to nobody else."""
    return settings.DELIVERY_LEASE_SECONDS / 2


def finish(parcel: Parcel, reply: Reply, started_at: datetime, patient_until: float) -> None:
    """Record the attempts, settle the deliveries and remember what the reply says of the lane.

    A database that is away is waited for until then, on the monotonic clock.
    """
    while True:
        try:
            return settle(parcel, reply, started_at)
        except Error as error:
            if not is_outage(error) or time.monotonic() > patient_until or connection.in_atomic_block:
                raise
            logger.warning("A reply could not be settled (%s); trying again.", type(error).__name__)
            connection.close()
            time.sleep(PAUSE_SECONDS)


def settle(parcel: Parcel, reply: Reply, started_at: datetime) -> None:
    now = clock.now()
    if reply.verdict == Verdict.AUTH:
        takeover.refuse(parcel.credential, reply.message, now)  # first: nothing more may go out with it
    with transaction.atomic():
        let_nobody_be_erased()
        if not (reply.verdict == Verdict.INVALID and len(parcel.shipments) > 1):
            record_attempts(parcel.shipments, reply, parcel.credential, started_at)
        outbox.settle(parcel.deliveries, reply, now)
        forget_late(parcel.deliveries)
        if reply.verdict == Verdict.ACCEPTED:
            parcel.credential.note_accepted(now)
        if parcel.is_test:
            return note_test_on_lane(parcel.lane, reply, now)
        Tally.objects.add(parcel.lane.pixel_id, reply.verdict, len(parcel.shipments))
        note_on_lane(parcel.lane, len(parcel.shipments) == 1, reply, now)


def note_on_lane(lane: Lane, is_single: bool, reply: Reply, now: datetime) -> None:
    """What a reply says of the pixel as a whole.

    A single event refused may be the event's own fault; one after the other, without one accepted in between, is not.
    """
    match reply.verdict:
        case Verdict.ACCEPTED:
            return Lane.objects.note_success(lane, now)
        case Verdict.TRANSIENT | Verdict.UNKNOWN:
            return Lane.objects.note_failure(lane, reply.message, now)
        case Verdict.INVALID if is_single:
            return Lane.objects.note_failure(lane, reply.message, now)
        case Verdict.THROTTLED:
            rest(lane, reply, now)
    Lane.objects.end_probe(lane, now)


def note_test_on_lane(lane: Lane, reply: Reply, now: datetime) -> None:
    """A test neither opens the breaker nor closes it; TikTok's wish for rest holds for whatever called forth."""
    if reply.verdict == Verdict.THROTTLED:
        rest(lane, reply, now)
    Lane.objects.end_probe(lane, now)


def rest(lane: Lane, reply: Reply, now: datetime) -> None:
    Lane.objects.slow_down(lane, now + timedelta(seconds=outbox.throttle_seconds(reply)), now)
