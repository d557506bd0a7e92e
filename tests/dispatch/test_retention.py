"""Old attempts go, their payloads earlier; whatever may still be sent keeps them."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from dispatch import retention
from dispatch.models import Delivery, DeliveryAttempt
from tests.factories import make_attempt, make_click, make_conversion, make_delivery
from tests.second_connection import PATIENCE, meanwhile
from tests.staff import staff_client

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=400)
LIMIT = NOW - timedelta(days=90)
PAYLOAD = {"event": "Purchase", "user": {"user_agent": "Mozilla/5.0"}}
FINISHED = ["accepted", "suppressed", "discarded"]
UNFINISHED = ["waiting", "leased", "held", "dead"]


def old_attempt(status: str = "accepted", **fields: Any) -> DeliveryAttempt:
    delivery = make_delivery(status=status, attempts=1)
    return make_attempt(delivery, **{"started_at": LONG_AGO, "payload": PAYLOAD, **fields})


def test_every_status_is_finished_or_not():
    assert {*FINISHED, *UNFINISHED} == set(Delivery.Status.values)


@pytest.mark.parametrize("status", FINISHED)
def test_attempts_of_a_finished_delivery_go_and_the_delivery_stays(status: str):
    old_attempt(status)

    count = sum(retention.attempts().batches(LIMIT))

    assert (count, DeliveryAttempt.objects.count(), Delivery.objects.count()) == (1, 0, 1)


@pytest.mark.parametrize("status", UNFINISHED)
def test_attempts_of_an_unfinished_delivery_stay_whole(status: str):
    old_attempt(status)

    assert not sum(retention.attempts().batches(LIMIT)) + sum(retention.payloads().batches(LIMIT))

    assert DeliveryAttempt.objects.get().payload == PAYLOAD


def test_a_young_attempt_stays_whole():
    old_attempt(started_at=LIMIT)

    assert not sum(retention.attempts().batches(LIMIT)) + sum(retention.payloads().batches(LIMIT))


def test_the_payload_goes_and_what_came_back_stays():
    old_attempt(code=0, message="OK")

    counts = [sum(retention.payloads().batches(LIMIT)) for _ in range(2)]

    attempt = DeliveryAttempt.objects.get()
    assert (counts, attempt.payload, attempt.code, attempt.message) == ([1, 0], {}, 0, "OK")


@pytest.mark.django_db(transaction=True)
def test_two_that_prune_at_once_count_a_payload_once():
    old_attempt()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert sum(retention.payloads().batches(LIMIT)) == 1
            other = meanwhile(pool, lambda: sum(retention.payloads().batches(LIMIT)))
        assert other.result(PATIENCE) == 0


def test_a_dry_run_counts_and_changes_nothing():
    old_attempt()

    chores = [retention.attempts(), retention.payloads()]
    counts = [sum(chore.batches(LIMIT, dry_run=True)) for chore in chores]

    assert (counts, DeliveryAttempt.objects.get().payload) == ([1, 1], PAYLOAD)


def test_clicks_of_what_may_still_be_sent_keep_their_visitor():
    kept = make_delivery(make_conversion(make_click(created_at=LONG_AGO)), status="dead").conversion.click
    pruned = make_delivery(make_conversion(make_click(created_at=LONG_AGO)), status="accepted").conversion.click

    sum(retention.visitors().batches(LIMIT))

    kept.refresh_from_db()
    pruned.refresh_from_db()
    assert (kept.ip, pruned.ip) == ("198.51.100.7", None)


def test_the_pages_say_that_attempts_and_payloads_are_gone():
    client = staff_client("dispatch.view_delivery", "conversions.view_conversion")
    delivery = old_attempt().delivery
    page = reverse("admin:dispatch_delivery_change", args=[delivery.pk])
    story = reverse("admin:conversions_conversion_change", args=[delivery.conversion_id])

    sum(retention.payloads().batches(LIMIT))
    assert "What was sent is too old to be kept." in client.get(page).content.decode()

    sum(retention.attempts().batches(LIMIT))
    assert "The attempts are too old to be kept." in client.get(page).content.decode()
    assert "Its attempts are too old to be kept." in client.get(story).content.decode()


def test_payloads_emptied_before_are_not_read_again():
    delivery = make_delivery(status="accepted")
    rest = {"batch_size": 1, "duration_ms": 5, "verdict": "accepted", "started_at": LONG_AGO}
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(delivery=delivery, request=uuid.uuid4(), payload={} if n % 500 else PAYLOAD, **rest)
        for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    plan = retention.payloads().rows.order_by("pk").values_list("pk", "started_at")[:500].explain()

    assert "attempt_with_payload" in plan
