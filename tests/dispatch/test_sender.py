"""One worker's turn for all pixels: fairness, what is under way, and what a turn leaves behind."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from conversions.seats import seat
from dispatch import sender as sender_module
from dispatch import sending
from dispatch.models import Delivery, Lane, Tally
from dispatch.models.lane import FAILURES_TO_TRIP
from dispatch.reasons import Reason
from dispatch.sender import Sender
from dispatch.tasks import deliver
from dispatch.tiktok import client
from dispatch.tiktok.codes import Verdict
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Pixel
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer, standby_error

pytestmark = pytest.mark.django_db
Status = Delivery.Status
MOST_TURNS = 50


def make_queue(count: int) -> Pixel:
    """A pixel with a credential and so many deliveries due."""
    pixel = make_offer().pixel
    make_credential(pixel, f"token-of-the-pixel-{pixel.code}")
    click = make_click(pixel.offers.get())
    for _ in range(count):
        make_delivery(make_conversion(click))
    return pixel


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def waiting_of(pixel: Pixel) -> int:
    return pixel.deliveries.exclude(status=Status.ACCEPTED).count()


@pytest.mark.django_db(transaction=True)
def test_a_slow_pixel_does_not_keep_another_one_waiting(
    sandbox: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.TIKTOK_BATCH_SIZE = 1
    settings.TIKTOK_DEADLINE_SECONDS = 20.0
    slow, quick, sender = make_queue(10), make_queue(10), Sender()
    sandbox.set_mode("delay", seconds=6, pixel_code=slow.code)
    monkeypatch.setattr(sender, "is_stopping", lambda: not waiting_of(quick))

    sender.turn()

    asked = {request["pixel_code"] for request in sandbox.requests()}
    assert (asked, waiting_of(quick), waiting_of(slow)) == ({slow.code, quick.code}, 0, 10)
    wait_for(lambda: waiting_of(slow) == 8)  # both that were under way settle themselves


def test_a_flooded_pixel_takes_turns_with_another_one(sandbox: Sandbox, settings: Any):
    settings.TIKTOK_BATCH_SIZE = 5
    settings.TIKTOK_REQUESTS_PER_SECOND = 0
    flooded, quick = make_queue(100), make_queue(10)
    sender = Sender()

    for _ in range(MOST_TURNS):
        sender.turn()
        if not waiting_of(flooded):
            break

    order = [r["pixel_code"] for r in sorted(sandbox.requests(), key=lambda request: request["id"])]
    assert order.count(flooded.code) == 20
    assert {flooded.code, quick.code} == set(order[:8])


def test_sustained_failure_costs_no_more_requests_than_it_takes_to_trip(sandbox: Sandbox, settings: Any):
    settings.TIKTOK_BATCH_SIZE = 2
    pixel = make_queue(60)
    sandbox.set_mode("http_500")

    for _ in range(3):
        Sender().turn()

    assert len(sandbox.requests()) == FAILURES_TO_TRIP
    assert Lane.objects.of(pixel.pk).is_tripped
    assert Delivery.objects.filter(attempts=0, status=Status.WAITING).count() == 40


def test_when_the_probe_goes_through_everything_does(sandbox: Sandbox, settings: Any):
    settings.TIKTOK_REQUESTS_PER_SECOND = 0
    pixel = make_queue(30)
    lane = Lane.objects.of(pixel.pk)
    Lane.objects.update(trips=1, probe_at="2026-01-01T00:00:00Z")

    Sender().turn()

    first, second = sorted(sandbox.requests(), key=lambda request: request["id"])
    assert (first["events"], second["events"]) == (5, 25)
    lane.refresh_from_db()
    assert not lane.is_tripped


def test_the_cap_for_launches_holds_at_tiktok(sandbox: Sandbox):
    pixel = make_queue(40)
    Pixel.objects.update(max_events_per_second=10)

    Sender().turn()

    times = [event["received_at"] for event in sandbox.events(pixel_code=pixel.code)]
    span = max(times) - min(times)
    assert len(times) / (span + 0.2) <= 10.5


def test_requests_and_deliveries_are_counted_by_verdict(sandbox: Sandbox):
    pixel = make_queue(7)

    Sender().turn()

    tally = Tally.objects.get()
    assert (tally.pixel, tally.verdict, tally.requests, tally.deliveries) == (pixel, "accepted", 1, 7)


def test_a_refused_request_travels_on_in_halves(sandbox: Sandbox, settings: Any):
    settings.TIKTOK_REQUESTS_PER_SECOND = 0
    pixel = make_queue(16)
    bad = pixel.deliveries.all()[5]
    sandbox.set_mode("reject_event_id", event_id=str(bad.event_id))

    Sender().turn()

    bad.refresh_from_db()
    assert (bad.status, bad.reason, bad.attempts) == (Status.DEAD, Reason.INVALID, 1)
    assert waiting_of(pixel) == 1
    assert len(sandbox.requests()) <= 9


@pytest.mark.django_db(transaction=True)
def test_what_is_still_under_way_when_the_turn_ends_settles_itself(
    sandbox: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.TIKTOK_DEADLINE_SECONDS = 5.0
    monkeypatch.setattr(sender_module, "TURN_SECONDS", 0.3)
    pixel = make_queue(3)
    sandbox.set_mode("delay", seconds=1.0)

    Sender().turn()

    assert set(Delivery.objects.values_list("status", flat=True)) == {Status.LEASED}
    wait_for(lambda: waiting_of(pixel) == 0)


@pytest.mark.django_db(transaction=True)
def test_a_reply_waits_for_a_database_that_is_away(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    pixel = make_queue(2)
    settle, failures = sending.settle, iter([OperationalError("away"), standby_error()])

    def settle_at_last(*args: Any) -> None:
        error = next(failures, None)
        if error:
            raise error
        settle(*args)

    monkeypatch.setattr(sending, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(sending, "settle", settle_at_last)
    Sender().turn()

    assert waiting_of(pixel) == 0
    assert len(sandbox.requests()) == 1


def test_a_fault_of_ours_in_one_request_does_not_stop_the_others(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    broken, sound = make_queue(1), make_queue(1)
    post = sender_module.post

    def post_or_fail(parcel: sending.Parcel) -> Any:
        if parcel.lane.pixel == broken:
            raise RuntimeError("a fault of ours")
        return post(parcel)

    monkeypatch.setattr(sender_module, "post", post_or_fail)
    Sender().turn()

    assert (waiting_of(broken), waiting_of(sound)) == (1, 0)


def test_one_worker_of_a_host_stays_free_for_other_tasks(settings: Any, tmp_path: Any):
    settings.STATE_DIR, settings.WORKERS = tmp_path, 2

    with seat("sender", 1) as first, seat("sender", 1) as second, seat("digest", 1) as other:
        assert (first, second, other) == (True, False, True)
    with seat("sender", 1) as again:
        assert again


def test_a_worker_without_a_seat_leaves_the_queue_alone(sandbox: Sandbox, settings: Any, tmp_path: Any):
    settings.STATE_DIR = tmp_path
    pixel = make_queue(1)

    with seat("sender", 1):
        assert deliver() == 0

    assert waiting_of(pixel) == 1


@pytest.mark.django_db(transaction=True)
def test_many_flooded_pixels_share_what_may_be_under_way(
    sandbox: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sender_module, "TURN_SECONDS", 5.0)
    settings.TIKTOK_BATCH_SIZE = 1
    pixels = [make_queue(30) for _ in range(10)]
    sandbox.set_mode("delay", seconds=0.3)

    Sender().turn()

    done = [pixel.deliveries.filter(status=Status.ACCEPTED).count() for pixel in pixels]
    assert min(done) >= max(done) / 2


def test_an_event_that_always_fails_ends_alone_and_its_neighbours_go_through(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    pixel = make_queue(8)
    bad = pixel.deliveries.all()[3]
    send = client.send

    def fail_with_it(body: Any, token: str) -> client.Reply:
        if str(bad.event_id) in [event["event_id"] for event in body["data"]]:
            return client.Reply(Verdict.TRANSIENT, "An unknown code", 200, 40999)
        return send(body, token)

    monkeypatch.setattr("dispatch.tiktok.client.send", fail_with_it)
    for _ in range(6):
        Delivery.objects.update(next_attempt_at="2026-01-01T00:00:00Z")
        Sender().turn()

    assert waiting_of(pixel) == 1


def test_events_that_are_all_refused_trip_the_breaker_before_all_are_dead(sandbox: Sandbox, settings: Any):
    settings.TIKTOK_REQUESTS_PER_SECOND = 0
    pixel = make_queue(64)
    sandbox.set_mode("code", code=40006)

    Sender().turn()

    assert Lane.objects.of(pixel.pk).is_tripped
    assert pixel.deliveries.filter(status=Status.DEAD).count() == FAILURES_TO_TRIP


def test_a_turn_ends_when_the_process_is_told_to(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    pixel = make_queue(1)
    monkeypatch.setattr(Sender, "is_stopping", staticmethod(lambda: True))

    Sender().turn()

    assert waiting_of(pixel) == 1


def test_what_is_on_trial_goes_while_nothing_else_is_under_way(sandbox: Sandbox, settings: Any):
    settings.TIKTOK_BATCH_SIZE = 1
    other, suspected = make_queue(6), make_queue(1)
    suspected.deliveries.update(claims=2, batch_limit=1)
    sandbox.set_mode("delay", seconds=0.2)

    Sender().turn()

    arrivals = sorted(sandbox.requests(), key=lambda request: request["id"])
    times = [request["received_at"] for request in arrivals]
    place = [request["pixel_code"] for request in arrivals].index(suspected.code)
    assert waiting_of(other) == waiting_of(suspected) == 0
    assert place == 0 or times[place] - times[place - 1] >= 0.2
    assert place == 6 or times[place + 1] - times[place] >= 0.2


def test_what_was_put_back_unsent_has_its_whole_window_before_it(sandbox: Sandbox):
    pixel = make_queue(1)
    sandbox.set_mode("code", code=40100)

    Sender().turn()

    assert pixel.deliveries.get().first_sent_at is None


@pytest.mark.django_db(transaction=True)
def test_a_reply_that_cannot_be_settled_does_not_hold_up_the_others(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    broken, sound = make_queue(1), make_queue(1)
    settle = sending.settle

    def settle_or_fail(parcel: sending.Parcel, *args: Any) -> None:
        if parcel.lane.pixel == broken:
            raise RuntimeError("a fault of ours")
        settle(parcel, *args)

    monkeypatch.setattr(sending, "settle", settle_or_fail)
    Sender().turn()

    assert (waiting_of(broken), waiting_of(sound)) == (1, 0)
