"""Hosts whose clocks are wrong by minutes, on one PostgreSQL, whose clock is everybody's."""

from collections.abc import Callable
from datetime import timedelta

import psutil
import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from conversions import clock
from conversions.models import Conversion, Postback
from conversions.tasks import digest
from dispatch import outbox
from dispatch.models import Delivery
from tests.conversions.support import postback_url
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer, make_postback

pytestmark = pytest.mark.django_db(transaction=True)
Status = Delivery.Status
WRONG = pytest.mark.parametrize("seconds", [-900, 900], ids=["slow clock", "fast clock"])


def queue() -> Delivery:
    offer = make_offer()
    make_credential(offer.pixel, f"token-of-{offer.pixel.code}")
    return make_delivery(make_conversion(make_click(offer)))


def status_of(delivery: Delivery) -> str:
    return Delivery.objects.get(pk=delivery.pk).status


@WRONG
def test_workers_send_what_is_due_and_leave_what_is_not(lone_sender: Callable[..., psutil.Popen], seconds: int):
    due, later, held, lost = [queue() for _ in range(4)]
    Delivery.objects.filter(pk=later.pk).update(next_attempt_at=timezone.now() + timedelta(minutes=5))
    for delivery in (held, lost):
        outbox.claim(delivery.pixel, timezone.now(), 1)
    Delivery.objects.filter(pk=lost.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert lone_sender("--clock-off", str(seconds)).wait(60) == 0

    assert [status_of(delivery) for delivery in (due, lost)] == [Status.ACCEPTED] * 2
    assert [status_of(delivery) for delivery in (later, held)] == [Status.WAITING, Status.LEASED]


@WRONG
def test_workers_digest_what_has_come(lone_sender: Callable[..., psutil.Popen], seconds: int):
    click = make_click()
    make_postback(click.offer.network, {"click_id": click.pk, "payout": "5"})

    assert lone_sender("--clock-off", str(seconds)).wait(60) == 0

    assert Conversion.objects.filter(click=click).exists()


@WRONG
def test_what_a_web_host_takes_is_digested_at_once(seconds: int):
    click = make_click()
    forget_the_clock()
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        Client().get(postback_url(click.offer.network), {"click_id": click.pk, "payout": "5"})
    forget_the_clock()

    assert digest() == 1

    age = timezone.now() - Postback.objects.get().received_at
    assert abs(age) < timedelta(minutes=1)


def forget_the_clock() -> None:
    """The two hosts of this test are one process, which would remember how far its clock was off."""
    clock.last = clock.Comparison()
