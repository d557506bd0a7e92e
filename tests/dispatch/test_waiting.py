"""Why one delivery is not told yet."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dispatch import waiting
from dispatch.models import Delivery, Lane
from dispatch.reasons import Reason
from offers.models import Pixel
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def pixel() -> Pixel:
    """One that may be sent to, of an offer."""
    pixel = make_offer().pixel
    make_credential(pixel)
    return pixel


def at(**span: float) -> datetime:
    return NOW + timedelta(**span)


def delivery_of(pixel: Pixel, **fields: Any) -> Delivery:
    return make_delivery(make_conversion(make_click(pixel.offers.get())), **{"next_attempt_at": NOW, **fields})


def told(delivery: Delivery) -> list[tuple[str, str]]:
    return [(reason.code, reason.words) for reason in waiting.reasons_of([delivery], NOW)[delivery.pk]]


def codes(delivery: Delivery) -> list[str]:
    return [code for code, _ in told(delivery)]


def test_what_is_due_goes_out_with_the_next_request(pixel: Pixel):
    assert told(delivery_of(pixel)) == [("due", "It goes out with the next request to its pixel.")]


def test_its_pixels_trouble_is_its_own(pixel: Pixel):
    delivery = delivery_of(pixel)
    pixel.pause(Pixel.PausedBy.STAFF, "Campaign is over.", NOW)

    [(code, words)] = told(delivery)

    assert code == "paused"
    assert "Campaign is over." in words


def test_after_failed_tries_the_next_one_is_told(pixel: Pixel):
    delivery = delivery_of(pixel, attempts=3, next_attempt_at=at(minutes=10), detail="HTTP 502")

    assert told(delivery) == [
        (
            "retry",
            "The next try is at 12:10:00 UTC (in 10 minutes), after 3 tries failed. The last failure: “HTTP 502”.",
        )
    ]


def test_what_was_never_tried_has_no_failed_tries(pixel: Pixel):
    assert codes(delivery_of(pixel, next_attempt_at=at(seconds=20))) == ["later"]


@pytest.mark.parametrize(("rest", "expected"), [(60, ["retry", "resting"]), (3600, ["resting", "retry"])])
def test_the_reason_that_ends_last_comes_first(pixel: Pixel, rest: int, expected: list[str]):
    delivery = delivery_of(pixel, attempts=1, next_attempt_at=at(minutes=10))
    Lane.objects.slow_down(Lane.objects.of(pixel.pk), at(seconds=rest), NOW)

    assert codes(delivery) == expected


def test_a_pause_outlasts_every_next_try(pixel: Pixel):
    delivery = delivery_of(pixel, attempts=1, next_attempt_at=at(hours=8))
    pixel.pause(Pixel.PausedBy.AUTH, "Access token is incorrect.", NOW)

    assert codes(delivery) == ["refused", "retry"]


def test_what_its_worker_died_with_is_sent_alone(pixel: Pixel):
    delivery = delivery_of(pixel, batch_limit=1, claims=2, attempts=1, maybe_accepted=True)

    assert codes(delivery) == ["due", "suspect"]
    assert "A worker died while it was sending this" in told(delivery)[1][1]


@pytest.mark.parametrize(("deaths", "is_last_chance"), [(1, False), (2, True)])
def test_a_last_chance_is_said_to_be_one(pixel: Pixel, deaths: int, is_last_chance: bool):
    delivery = delivery_of(pixel, batch_limit=1, claims=4 + deaths, attempts=4)

    assert ("once more, it becomes a dead letter" in told(delivery)[1][1]) == is_last_chance


def test_what_tiktok_refused_in_a_group_is_sent_in_smaller_ones(pixel: Pixel):
    refused, failed = (delivery_of(pixel, batch_limit=12, attempts=tries, claims=tries) for tries in (0, 3))

    assert "held this was refused, so it travels in a group of at most 12" in told(refused)[1][1]
    assert "held this was refused, or failed again and again, so" in told(failed)[1][1]
    assert codes(delivery_of(pixel, batch_limit=1)) == ["due", "alone"]


def test_what_is_being_sent_has_a_lease(pixel: Pixel):
    leased = {"status": "leased", "lease_token": uuid.uuid4(), "claims": 1}

    [(code, words)] = told(delivery_of(pixel, lease_until=at(seconds=30), **leased))
    [(later_code, _)] = told(delivery_of(pixel, lease_until=at(seconds=-1), **leased))

    assert (code, later_code) == ("sending", "lost")
    assert "by 12:00:30 UTC (in 30 seconds)" in words


@pytest.mark.parametrize("reason", [Reason.CONSENT_UNKNOWN, Reason.OUTCOME_UNKNOWN])
def test_what_is_held_says_for_what(pixel: Pixel, reason: Reason):
    assert told(delivery_of(pixel, status="held", reason=reason)) == [(reason.value, reason.advice)]


@pytest.mark.parametrize("status", ["accepted", "suppressed", "dead", "discarded"])
def test_what_is_settled_waits_for_nothing(pixel: Pixel, status: str):
    assert told(delivery_of(pixel, status=status)) == []


def test_what_is_due_for_long_suspects_the_workers(pixel: Pixel):
    assert codes(delivery_of(pixel, next_attempt_at=at(minutes=-6))) == ["stalled"]


def test_many_deliveries_cost_one_query(pixel: Pixel, django_assert_num_queries: Any):
    deliveries = [delivery_of(pixel) for _ in range(3)]

    with django_assert_num_queries(1):
        waiting.reasons_of(deliveries, NOW)
    with django_assert_num_queries(0):
        waiting.reasons_of([Delivery(pk=1, status="accepted")], NOW)
