"""Tests on their way to TikTok: by themselves, under the pixel's test event code or not at all, and of no harm."""

import pytest

from dispatch import clock, outbox
from dispatch.models import Delivery, Lane, Tally
from dispatch.sender import sender
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_delivery

pytestmark = pytest.mark.django_db(transaction=True)


def make_due(offer: Offer, is_test: bool, **fields) -> Delivery:
    click = make_click(offer, is_test=is_test, consent="granted")
    return make_delivery(make_conversion(click, is_test=is_test), is_test=is_test, **fields)


def test_never_share_a_request_with_what_counts(offer: Offer):
    for is_test in (False, True, True, False):
        make_due(offer, is_test)

    claimed = [outbox.claim(offer.pixel, clock.now(), 10) for _ in range(3)]

    assert [{delivery.is_test for delivery in found} for found in claimed] == [{False}, {True}, set()]
    assert [len(found) for found in claimed] == [2, 2, 0]


def test_carry_the_code_that_real_ones_of_a_production_pixel_do_not(offer: Offer, sandbox: Sandbox):
    for is_test in (False, True):
        make_due(offer, is_test)

    sender().turn()

    codes = {event["event_id"]: event["test"] for event in sandbox.events()}
    expected = {str(row.event_id): "TEST123" if row.is_test else "" for row in Delivery.objects.all()}
    assert codes == expected


def test_are_not_sent_without_a_code(offer: Offer, sandbox: Sandbox):
    offer.pixel.test_event_code = ""
    offer.pixel.save()
    test = make_due(offer, is_test=True)

    sender().turn()

    test.refresh_from_db()
    assert (test.status, test.reason, test.attempts) == ("dead", "no_test_code", 0)
    assert "no test event code" in test.detail
    assert sandbox.requests() == []


def test_wait_while_the_pixel_is_paused(offer: Offer, sandbox: Sandbox):
    offer.pixel.pause("staff", "Lunch", clock.now())
    test = make_due(offer, is_test=True)

    sender().turn()

    test.refresh_from_db()
    assert (test.status, sandbox.requests()) == ("waiting", [])


@pytest.mark.parametrize("code", [40002, 50000])
def test_that_fail_do_not_count_against_the_pixel(offer: Offer, sandbox: Sandbox, code: int):
    sandbox.set_mode("code", code=code)
    make_due(offer, is_test=True)

    sender().turn()

    assert Lane.objects.get().failures == 0
    assert not Tally.objects.exists()


def test_do_not_close_the_breaker_that_real_ones_have_opened(offer: Offer, sandbox: Sandbox):
    now = clock.now()
    Lane.objects.create(pixel=offer.pixel, trips=1, failures=10, tripped_at=now, probe_at=now, failed_at=now)
    make_due(offer, is_test=True)

    sender().turn()

    assert (Lane.objects.get().trips, len(sandbox.events())) == (1, 1)


def test_a_refused_credential_pauses_the_pixel_as_ever(offer: Offer, sandbox: Sandbox):
    sandbox.set_mode("code", code=40105)
    make_due(offer, is_test=True)

    sender().turn()

    offer.pixel.refresh_from_db()
    assert offer.pixel.paused_by == "auth"
