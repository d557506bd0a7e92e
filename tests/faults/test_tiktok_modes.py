"""Whatever TikTok plays: when it is over, every event has counted once, and nobody had to do anything."""

from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from dispatch.models import Delivery, Lane
from dispatch.sender import Sender
from dispatch.tiktok.codes import CODES, Verdict
from dispatch.tiktok.sandbox import Sandbox
from dispatch.tiktok.sandbox.modes import NAMES
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer
from tests.faults.storm import hurry

pytestmark = pytest.mark.django_db(transaction=True)
Status = Delivery.Status
DEADLINE = 0.4
WAITS = {"delay": 1.0, "timeout": 1.0, "drip": 0.05, "drip_headers": 0.05, "http_429": 1.0}
NEED_MORE = {"code", "reject_event_id"}  # these have tests of their own
CODES_THAT_PASS = [code for code, (verdict, _) in CODES.items() if verdict in (Verdict.TRANSIENT, Verdict.THROTTLED)]


@pytest.fixture
def queue(sandbox: Sandbox, settings: Any) -> list[Delivery]:
    """Three deliveries of a pixel that has a credential."""
    settings.TIKTOK_DEADLINE_SECONDS = DEADLINE
    offer = make_offer()
    make_credential(offer.pixel)
    return [make_delivery(make_conversion(make_click(offer))) for _ in range(3)]


def send_until_all_is_accepted() -> None:
    for _ in range(5):
        hurry()
        Sender().turn()
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.ACCEPTED}


def assert_each_counted_once(sandbox: Sandbox, queue: list[Delivery]) -> None:
    counted = Counter(copy["event_id"] for copy in sandbox.events() if copy["verdict"] == "counted")
    assert counted == Counter(str(delivery.event_id) for delivery in queue)


@pytest.mark.parametrize("mode", [name for name in NAMES if name not in NEED_MORE])
def test_each_event_counts_once_when_it_is_over(sandbox: Sandbox, queue: list[Delivery], mode: str):
    sandbox.set_mode(mode, seconds=WAITS.get(mode, 0.0))
    for _ in range(2):
        Sender().turn()
        hurry()
    assert mode in {request["mode"] for request in sandbox.requests()}

    sandbox.set_mode("ok")
    send_until_all_is_accepted()

    assert_each_counted_once(sandbox, queue)


@pytest.mark.parametrize("code", [*CODES_THAT_PASS, 99999])
def test_no_code_that_passes_costs_an_event(sandbox: Sandbox, queue: list[Delivery], code: int):
    sandbox.set_mode("code", code=code)
    Sender().turn()
    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.WAITING}

    sandbox.set_mode("ok")
    send_until_all_is_accepted()

    assert_each_counted_once(sandbox, queue)


@pytest.mark.parametrize("mode", ["http_500", "reset", "timeout"])
def test_an_outage_opens_the_breaker_and_its_end_closes_it(sandbox: Sandbox, queue: list[Delivery], mode: str):
    sandbox.set_mode(mode, seconds=WAITS.get(mode, 0.0))
    for _ in range(12):
        Sender().turn()
        Delivery.objects.filter(status=Status.WAITING).update(next_attempt_at=timezone.now())
    lane = Lane.objects.get()
    asked = len(sandbox.requests())
    Sender().turn()
    assert (lane.is_tripped, len(sandbox.requests())) == (True, asked)

    sandbox.set_mode("ok")
    send_until_all_is_accepted()

    assert not Lane.objects.get().is_tripped
    assert_each_counted_once(sandbox, queue)
