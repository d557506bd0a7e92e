"""A sender that is killed, stopped, misled by its clock, or that others race: as processes of their own."""

import signal
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import psutil
import pytest
from django.utils import timezone

from dispatch import clock, outbox
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.reasons import Reason
from dispatch.sender import Sender
from dispatch.tiktok.sandbox import Sandbox
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer
from tests.faults.hosts import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
Status = Delivery.Status
Start = Callable[..., psutil.Popen]


def queue(count: int = 1) -> list[Delivery]:
    offer = make_offer()
    make_credential(offer.pixel)
    click = make_click(offer)
    return [make_delivery(make_conversion(click)) for _ in range(count)]


def let_leases_run_out() -> None:
    now = clock.now()
    Delivery.objects.filter(status=Status.LEASED).update(lease_until=now - timedelta(seconds=1))
    outbox.release_expired(now)


def verdicts(sandbox: Sandbox) -> Counter[str]:
    return Counter(event["verdict"] for event in sandbox.events())


@pytest.mark.parametrize(
    ("place", "copies"),
    [("before-request", {"counted": 1}), ("after-reply", {"counted": 1, "deduplicated": 1})],
)
def test_what_a_killed_sender_held_is_sent_again_under_the_same_event_id(
    sandbox: Sandbox, lone_sender: Start, place: str, copies: dict[str, int]
):
    (delivery,) = queue()

    assert lone_sender("--kill", place).wait(30) == -signal.SIGKILL
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (Status.LEASED, 0)
    let_leases_run_out()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.maybe_accepted) == (Status.WAITING, True)
    Sender().turn()

    delivery.refresh_from_db()
    assert (delivery.status, delivery.claims, delivery.attempts) == (Status.ACCEPTED, 2, 1)
    assert verdicts(sandbox) == copies
    assert {event["event_id"] for event in sandbox.events()} == {str(delivery.event_id)}


def test_what_kills_its_sender_is_found_and_takes_nobody_along(sandbox: Sandbox, lone_sender: Start):
    """TikTok is slow, so that there are always some others under way when it strikes."""
    sandbox.set_mode("delay", seconds=0.2)
    deliveries = queue(12)
    poison = deliveries[6]

    deaths = 0
    while deaths < 5 and lone_sender("--poison", str(poison.event_id)).wait(30) == -signal.SIGKILL:
        deaths += 1
        let_leases_run_out()

    poison.refresh_from_db()
    assert (poison.status, poison.reason) == (Status.DEAD, Reason.CRASH_LOOP)
    others = Counter(Delivery.objects.exclude(pk=poison.pk).values_list("status", flat=True))
    assert (others, deaths) == ({Status.ACCEPTED: 11}, outbox.CRASHES_ALLOWED)
    assert str(poison.event_id) not in {event["event_id"] for event in sandbox.events()}


def test_one_that_was_stopped_for_longer_than_its_lease_changes_nothing_any_more(sandbox: Sandbox, lone_sender: Start):
    (delivery,) = queue()
    sleeper = lone_sender("--stop", "after-reply")
    wait_for(lambda: sleeper.status() == psutil.STATUS_STOPPED)

    let_leases_run_out()
    Sender().turn()
    delivery.refresh_from_db()
    settled = (delivery.status, delivery.attempts, delivery.accepted_at)
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(30) == 0

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.accepted_at) == settled
    assert settled[0] == Status.ACCEPTED
    assert verdicts(sandbox) == {"counted": 1, "deduplicated": 1}
    assert DeliveryAttempt.objects.count() == 2, "what TikTok said is on record all the same"


def test_four_processes_claim_each_delivery_once(lone_sender: Start):
    deliveries = queue(120)
    claimants = [lone_sender("--claim-only") for _ in range(4)]
    assert [claimant.stdout.readline() for claimant in claimants] == ["ready\n"] * 4

    for claimant in claimants:
        claimant.stdin.write("go\n")
        claimant.stdin.flush()
    claims = [claimant.communicate(timeout=60)[0].split() for claimant in claimants]

    assert sum(map(bool, claims)) > 1, "there was a race"
    counts = Counter(int(key) for keys in claims for key in keys)
    assert set(counts.values()) == {1}
    # Who finds every row locked goes home early; the sweep sends what is left.
    assert len(counts) + Delivery.objects.due(timezone.now()).count() == len(deliveries)
