"""Old tests go, with everything that came of them, and nothing else does."""

from datetime import timedelta

import pytest

from conversions.models import Click, ConsentRecord, Conversion, LedgerEntry, Postback
from conversions.tasks import digest
from dispatch import clock
from dispatch.models import Delivery, DeliveryAttempt, TestConversion
from dispatch.tasks import deliver
from dispatch.test_conversions.retention import old_tests
from dispatch.test_conversions.running import advance, start
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.factories import call_page_event, make_click, make_delivery

pytestmark = pytest.mark.django_db(transaction=True)
MADE = [Click, Conversion, LedgerEntry, Postback, ConsentRecord, Delivery, DeliveryAttempt, TestConversion]


def prune(offer: Offer) -> int:
    return sum(old_tests().batches(clock.now() + timedelta(days=1)))


def test_a_test_goes_whole(offer: Offer, sandbox: Sandbox):
    run = start(offer, None, clock.now())
    digest()
    deliver()
    advance(run.pk, clock.now())
    made = [model.objects.exists() for model in MADE]

    pruned = prune(offer)

    assert (set(made), pruned) == ({True}, 1)
    assert not any(model.objects.exists() for model in MADE)


def test_a_visitors_click_stays(offer: Offer):
    make_delivery(call_page_event(make_click(offer), "ViewContent"))

    assert prune(offer) == 0
    assert Click.objects.count() == Delivery.objects.count() == 1


def test_what_a_worker_is_sending_stays(offer: Offer):
    click = make_click(offer, is_test=True)
    make_delivery(call_page_event(click, "ViewContent"), status="leased", is_test=True)

    assert prune(offer) == 0
    assert Click.objects.count() == 1
