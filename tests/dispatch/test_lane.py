"""How fast a pixel is sent to, and whether at all: caps, rest, breaker, ramp."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.db import connection, transaction
from django.utils import timezone

from dispatch.models import Lane
from dispatch.models.lane import FAILURES_TO_TRIP, GENTLE_PACE, PROBE_EVENTS, PROBE_LEASE, PROBE_PAUSES
from offers.models import Pixel
from tests.factories import make_pixel

pytestmark = pytest.mark.django_db
START = timezone.now().replace(microsecond=0)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def fresh(pixel: Pixel) -> Lane:
    return Lane.objects.of(pixel.pk)


def admitted_in(pixel: Pixel, span: float, events: Callable[[Lane, datetime], int], step: float = 0.01) -> list[int]:
    """What a sender that asks all the time is let through with, as numbers of events."""
    found = []
    for turn in range(round(span / step)):
        now = START + seconds(turn * step)
        lane = fresh(pixel)
        room = events(lane, now)
        if lane.requests_now(now, 1) and Lane.objects.admit(lane, 1, room, now):
            found.append(room)
    return found


def fail(pixel: Pixel, times: int, now: datetime = START) -> None:
    for _ in range(times):
        Lane.objects.note_failure(fresh(pixel), "HTTP 502", now)


def trip(pixel: Pixel) -> Lane:
    fail(pixel, FAILURES_TO_TRIP)
    return fresh(pixel)


@pytest.mark.parametrize(("cap", "allowed"), [(5, 10), (Decimal("0.5"), 1), (20, 40)])
def test_requests_keep_the_cap_of_their_pixel(cap, allowed):
    pixel = make_pixel(max_requests_per_second=cap)

    requests = admitted_in(pixel, 2, lambda lane, now: 1)

    assert allowed <= len(requests) <= allowed + 1


def test_without_a_cap_of_its_own_a_pixel_has_the_sites(settings):
    settings.TIKTOK_REQUESTS_PER_SECOND = 3

    assert 6 <= len(admitted_in(make_pixel(), 2, lambda lane, now: 1)) <= 7


def test_no_cap_at_all_admits_everything(settings):
    settings.TIKTOK_REQUESTS_PER_SECOND = 0

    assert len(admitted_in(make_pixel(), 1, lambda lane, now: 1)) == 100


def test_the_cap_for_launches_counts_events_and_not_requests():
    pixel = make_pixel(max_events_per_second=40)

    events = admitted_in(pixel, 2, Lane.events_at_once)

    assert max(events) == 8
    assert 80 <= sum(events) <= 80 + 8


def test_what_was_not_sent_is_given_back():
    pixel = make_pixel(max_events_per_second=4, max_requests_per_second=4)
    lane = fresh(pixel)
    assert Lane.objects.admit(lane, 1, 100, START)

    Lane.objects.refund(lane, 1, 100, START)

    assert Lane.objects.admit(fresh(pixel), 1, 1, START)


def test_a_paused_pixel_is_refused_even_to_one_who_saw_it_running():
    pixel = make_pixel()
    lane = fresh(pixel)
    pixel.pause(Pixel.PausedBy.STAFF, "launch", START)

    assert not Lane.objects.admit(lane, 1, 1, START)


def test_a_pixel_that_is_throttled_rests_and_goes_on_half_as_fast():
    pixel = make_pixel()

    Lane.objects.slow_down(fresh(pixel), START + seconds(30), START)

    assert not Lane.objects.admit(fresh(pixel), 1, 1, START + seconds(29))
    assert Lane.objects.admit(fresh(pixel), 1, 1, START + seconds(31))
    assert fresh(pixel).pace_at(START + seconds(30)) == 0.5
    assert fresh(pixel).pace_at(START + seconds(90)) == 1


def test_many_requests_that_are_throttled_at_once_slow_down_once():
    pixel = make_pixel()

    for wait in (30, 60, 45):
        Lane.objects.slow_down(fresh(pixel), START + seconds(wait), START)

    assert fresh(pixel).pace_at(START + seconds(60)) == 0.5
    assert fresh(pixel).rest_until == START + seconds(60)


def test_being_throttled_again_and_again_ends_in_a_crawl_and_not_in_a_standstill():
    pixel = make_pixel()

    for turn in range(50):
        Lane.objects.slow_down(fresh(pixel), START + seconds(turn + 1), START + seconds(turn))

    assert 0 < fresh(pixel).pace_at(START + seconds(50)) < 0.05


def test_sustained_failure_trips_the_breaker():
    pixel = make_pixel()

    lane = trip(pixel)

    assert lane.is_tripped
    assert lane.last_failure == "HTTP 502"
    assert not Lane.objects.admit(lane, 1, 1, START)
    assert pixel.lane in Lane.objects.closed(START)


def test_every_second_request_failing_does_not_trip_it():
    pixel = make_pixel()

    for _ in range(50):
        fail(pixel, 1)
        Lane.objects.note_success(fresh(pixel), START)

    assert not fresh(pixel).is_tripped


def test_failures_that_lie_far_apart_do_not_trip_it():
    pixel = make_pixel()

    for turn in range(50):
        fail(pixel, 1, START + timedelta(minutes=6 * turn))

    assert not fresh(pixel).is_tripped


def test_an_open_breaker_lets_one_small_probe_through_at_a_time():
    lane = trip(make_pixel())
    now = START + PROBE_PAUSES[0]

    assert lane.events_at_once(now) == PROBE_EVENTS
    assert Lane.objects.admit(lane, 1, 1, now)
    assert not Lane.objects.admit(fresh(lane.pixel), 1, 1, now + seconds(5))
    assert Lane.objects.admit(fresh(lane.pixel), 1, 1, now + PROBE_LEASE)


def test_a_probe_that_fails_keeps_it_open_for_longer():
    lane = trip(make_pixel())
    now = START + PROBE_PAUSES[0]

    fail(lane.pixel, 1, now)

    assert fresh(lane.pixel).probe_at == now + PROBE_PAUSES[1]


def test_what_fails_after_the_trip_is_no_failed_probe():
    pixel = make_pixel()
    before = fresh(pixel)
    trip(pixel)

    Lane.objects.note_failure(before, "late", START)

    assert fresh(pixel).trips == 1


def test_a_probe_that_succeeds_closes_it_and_sending_starts_gently():
    lane = trip(make_pixel())
    now = START + PROBE_PAUSES[0]

    Lane.objects.note_success(lane, now)

    closed = fresh(lane.pixel)
    assert not closed.is_tripped
    assert closed.pace_at(now) == GENTLE_PACE
    assert closed.pace_at(now + timedelta(minutes=3)) == 1


def test_a_probe_that_found_nothing_to_send_leaves_its_place_to_the_next_one():
    lane = trip(make_pixel())
    now = START + PROBE_PAUSES[0]
    Lane.objects.admit(lane, 1, 5, now)

    Lane.objects.refund(lane, 1, 5, now)

    assert Lane.objects.admit(fresh(lane.pixel), 1, 5, now + seconds(1))


def test_a_pixel_that_was_resumed_starts_gently():
    pixel = make_pixel()
    pixel.pause(Pixel.PausedBy.STAFF, "launch", START)

    pixel.resume(START)

    assert fresh(pixel).pace_at(START) == GENTLE_PACE
    assert fresh(pixel).pace_at(START + timedelta(minutes=3)) == 1


def test_a_probe_can_be_had_at_once():
    pixel = make_pixel()
    lane = trip(pixel)
    assert not Lane.objects.admit(lane, 1, PROBE_EVENTS, START + seconds(1))

    assert Lane.objects.probe_now(lane, START + seconds(1))

    assert Lane.objects.admit(fresh(pixel), 1, PROBE_EVENTS, START + seconds(1))


def test_no_probe_is_asked_for_on_a_lane_that_has_changed_since():
    pixel = make_pixel()
    closed, tripped = fresh(pixel), trip(pixel)
    Lane.objects.note_failure(tripped, "HTTP 502", START + PROBE_PAUSES[0])
    failed_again = fresh(pixel)

    assert not Lane.objects.probe_now(closed, START)
    assert not Lane.objects.probe_now(tripped, START)
    assert fresh(pixel).probe_at == failed_again.probe_at


def test_a_probe_that_says_nothing_of_tiktoks_health_is_followed_by_another_one():
    lane = trip(make_pixel())
    now = START + PROBE_PAUSES[0]
    Lane.objects.admit(lane, 1, 5, now)

    Lane.objects.end_probe(lane, now)

    assert Lane.objects.admit(fresh(lane.pixel), 1, 5, now + seconds(1))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_the_same_moment_one_is_admitted():
    lane = fresh(make_pixel(max_requests_per_second=1))
    answers: list[bool] = []

    def ask_too() -> None:
        answers.append(Lane.objects.admit(lane, 1, 1, START))
        connection.close()

    with transaction.atomic():
        assert Lane.objects.admit(lane, 1, 1, START)
        other = Thread(target=ask_too)
        other.start()
        other.join(0.5)  # it waits for our row, or, on SQLite, for our transaction
    other.join()

    assert answers == [False]
