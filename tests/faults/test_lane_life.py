"""What can happen on the way to a pixel, in any order: caps hold, breakers let probes in, the pace comes back."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.models import Lane
from dispatch.models.lane import BURST_SECONDS, FAILURES_TO_TRIP, PROBE_LEASE
from offers.models import Pixel
from tests.factories import make_pixel
from tests.faults.exploring import exploring

pytestmark = pytest.mark.django_db
START = datetime(2026, 5, 1, tzinfo=UTC)
SECONDS = st.floats(0, 3)
MOST_AT_ONCE = 3
TICK = 1e-6


def lane_of(pixel: Pixel) -> Lane:
    return Lane.objects.of(pixel.pk)


def ask(pixel: Pixel, now: datetime) -> int:
    """How many requests a sender is let through with that wants three, as it asks."""
    lane = lane_of(pixel)
    wanted = lane.requests_now(now, MOST_AT_ONCE)
    return wanted if wanted and Lane.objects.admit(lane, wanted, wanted, now) else 0


@exploring(examples=30)
@given(rate=st.sampled_from([0.5, 3, 16, 250]), steps=st.lists(st.tuples(SECONDS, st.booleans()), max_size=30))
def test_however_they_come_requests_keep_their_cap(rate: float, steps: list[tuple[float, bool]]):
    pixel, now = make_pixel(max_requests_per_second=rate), START
    admitted: list[float] = []
    for seconds, is_used in steps:
        now += timedelta(seconds=seconds / rate)
        count = ask(pixel, now)
        if is_used:
            admitted += [now.timestamp()] * count
        elif count:
            Lane.objects.refund(lane_of(pixel), count, count, now)

    for first, since in enumerate(admitted):
        for last, until in enumerate(admitted[first:], first):
            assert last - first + 1 <= (until - since + BURST_SECONDS) * rate + 1 + TICK


@exploring(examples=20)
@given(cap=st.sampled_from([2, 50, 400]), steps=st.lists(st.tuples(SECONDS, st.integers(0, 100)), max_size=30))
def test_however_they_come_events_keep_their_cap(cap: int, steps: list[tuple[float, int]]):
    pixel, now = make_pixel(max_events_per_second=cap), START
    sent: list[tuple[float, int]] = []
    for seconds, due in steps:
        now += timedelta(seconds=seconds / 10)
        lane = lane_of(pixel)
        room = lane.events_at_once(now)
        if lane.requests_now(now, 1) and Lane.objects.admit(lane, 1, room, now):
            used = min(due, room)
            Lane.objects.refund(lane, 0 if used else 1, room - used, now)
            sent.append((now.timestamp(), used))

    most_at_once = lane_of(pixel).events_at_once(START)
    for first, (since, _) in enumerate(sent):
        for last, (until, _) in enumerate(sent[first:], first):
            events = sum(used for _, used in sent[first : last + 1])
            assert events <= (until - since + BURST_SECONDS) * cap + most_at_once + TICK


@exploring(examples=20)
@given(blocks=st.lists(st.tuples(st.integers(1, 4), st.randoms(use_true_random=False)), max_size=8))
def test_as_many_failures_as_successes_never_open_the_breaker(blocks: list[tuple[int, random.Random]]):
    pixel, now = make_pixel(), START
    for count, chance in blocks:
        for is_success in chance.sample([True, False] * count, 2 * count):
            now += timedelta(seconds=1)
            tell(pixel, is_success, now)

    assert not lane_of(pixel).is_tripped


@exploring(examples=30)
@given(steps=st.lists(st.tuples(st.integers(0, 90), st.sampled_from(["ask", "ask", "succeed", "fail"])), max_size=25))
def test_an_open_breaker_lets_one_probe_in_at_a_time(steps: list[tuple[int, str]]):
    pixel, now, probe, asked_at = make_pixel(), START, None, START
    for _ in range(FAILURES_TO_TRIP):
        tell(pixel, False, now)
    for seconds, step in steps:
        now += timedelta(seconds=seconds)
        lane = lane_of(pixel)
        if step == "ask" and lane.is_tripped and Lane.objects.admit(lane, 1, 1, now):
            assert probe is None or now - asked_at >= PROBE_LEASE
            probe, asked_at = lane, now
        elif step != "ask" and probe:
            (Lane.objects.note_success if step == "succeed" else fail)(probe, now)
            probe = None


@exploring(examples=30)
@given(steps=st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["rest", "succeed", "fail", "ask"])), max_size=30))
def test_whatever_was_the_full_pace_comes_back_by_itself(steps: list[tuple[int, str]]):
    pixel, now = make_pixel(), START
    for seconds, step in steps:
        now += timedelta(seconds=seconds)
        match step:
            case "rest":
                Lane.objects.slow_down(lane_of(pixel), now + timedelta(seconds=30), now)
            case "ask":
                ask(pixel, now)
            case _:
                tell(pixel, step == "succeed", now)

    now += timedelta(minutes=10)
    if lane_of(pixel).is_tripped:
        assert ask(pixel, now) == 1, "a probe"
        tell(pixel, True, now)
        now += timedelta(minutes=10)
    lane = lane_of(pixel)
    assert (lane.pace_at(now), lane.is_tripped) == (1.0, False)
    assert ask(pixel, now) == 1


def tell(pixel: Pixel, is_success: bool, now: datetime) -> None:
    """A request ends that was admitted a moment ago."""
    (Lane.objects.note_success if is_success else fail)(lane_of(pixel), now)


def fail(lane: Lane, now: datetime) -> Any:
    return Lane.objects.note_failure(lane, "HTTP 502", now)
