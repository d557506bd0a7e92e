"""Dead letters as rows: which there are, sending them again, giving them up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from dispatch.models import Delivery
from dispatch.reasons import Reason
from tests.factories import make_click, make_conversion, make_delivery
from tests.plans import make_finished_deliveries, plan_by_index

pytestmark = pytest.mark.django_db
Status = Delivery.Status
OTHERS = [status for status in Status if status not in (Status.DEAD, Status.HELD)]


def dead(reason: str = Reason.INVALID, **fields) -> Delivery:
    status = Status.HELD if reason == Reason.OUTCOME_UNKNOWN else Status.DEAD
    return make_delivery(**{"status": status, "reason": reason, "next_attempt_at": None, "attempts": 3, **fields})


def long_ago() -> dict:
    """An earlier try that may have arrived, outside of TikTok's window."""
    return {"maybe_accepted": True, "first_sent_at": timezone.now() - timedelta(hours=49)}


def test_undecided_are_dead_ones_and_held_ones_of_unknown_outcome():
    expected = {dead(), dead(Reason.OUTCOME_UNKNOWN)}
    make_delivery(status=Status.HELD, reason=Reason.CONSENT_UNKNOWN)
    for status in OTHERS:
        make_delivery(status=status)

    assert set(Delivery.objects.undecided()) == expected
    assert Delivery.objects.undecided_counts() == {Reason.INVALID: 1, Reason.OUTCOME_UNKNOWN: 1}


@pytest.mark.parametrize("reason", [Reason.INVALID, Reason.OUTCOME_UNKNOWN])
def test_requeueing_makes_it_due_under_its_old_event_id(reason: str):
    delivery, now, user = dead(reason), timezone.now(), User.objects.create_user("ada")
    event_id = delivery.event_id

    count = Delivery.objects.requeue(user, now)

    delivery.refresh_from_db()
    assert (count, delivery.status, delivery.reason, delivery.attempts) == (1, Status.WAITING, "", 0)
    assert (delivery.event_id, delivery.next_attempt_at) == (event_id, now)
    assert (delivery.decided_by, delivery.decided_at, delivery.decision) == (user, now, "Re-queued")


def test_requeueing_twice_changes_nothing_twice():
    delivery, first = dead(), User.objects.create_user("first")
    Delivery.objects.requeue(first, timezone.now())

    count = Delivery.objects.requeue(User.objects.create_user("second"), timezone.now())

    delivery.refresh_from_db()
    assert (count, delivery.decided_by) == (0, first)


def test_requeueing_leaves_everything_else_alone():
    others = [make_delivery(status=status) for status in OTHERS]
    held = make_delivery(status=Status.HELD, reason=Reason.CONSENT_UNKNOWN)

    assert Delivery.objects.requeue(None, timezone.now()) == 0
    assert [Delivery.objects.get(pk=row.pk).status for row in [*others, held]] == [*OTHERS, Status.HELD]


def test_a_decision_to_send_past_the_window_starts_the_window_anew():
    delivery = dead(Reason.OUTCOME_UNKNOWN, **long_ago())

    Delivery.objects.requeue(None, timezone.now())

    delivery.refresh_from_db()
    assert (delivery.maybe_accepted, delivery.first_sent_at) == (False, None)


def test_inside_the_window_the_earlier_try_is_remembered():
    delivery = dead(Reason.CRASH_LOOP, maybe_accepted=True, first_sent_at=timezone.now())

    Delivery.objects.requeue(None, timezone.now())

    delivery.refresh_from_db()
    assert delivery.maybe_accepted
    assert delivery.first_sent_at


def test_a_big_queue_is_spread_over_the_seconds_to_come():
    click, now = make_click(), timezone.now()
    for _ in range(12):
        dead(conversion=make_conversion(click))

    Delivery.objects.requeue(None, now, spread_seconds=4)

    times = [row.next_attempt_at - now for row in Delivery.objects.all()]
    assert {time.total_seconds() for time in times} == {0, 1, 2, 3}
    assert times.count(timedelta(0)) == 3


def test_requeueing_many_costs_as_many_queries_as_one(django_assert_num_queries):
    click = make_click()
    for _ in range(20):
        dead(conversion=make_conversion(click))

    with django_assert_num_queries(2 + 2 + 2):  # a savepoint around two marking queries and two UPDATEs
        assert Delivery.objects.requeue(None, timezone.now(), spread_seconds=10) == 20


def test_discarding_keeps_who_and_why():
    delivery, user = dead(), User.objects.create_user("ada")

    count = Delivery.objects.discard(user, "A test order.", timezone.now())

    delivery.refresh_from_db()
    assert (count, delivery.status, delivery.reason) == (1, Status.DISCARDED, Reason.INVALID)
    assert (delivery.decided_by, delivery.decision) == (user, "Discarded: A test order.")
    assert Delivery.objects.discard(user, "Again.", timezone.now()) == 0
    assert Delivery.objects.requeue(user, timezone.now()) == 0


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_advice(reason: Reason):
    assert Delivery(reason=reason).advice == reason.advice
    assert len(reason.advice) > 20


def test_finds_dead_letters_of_a_reason_by_their_index():
    make_finished_deliveries()
    dead()

    assert "delivery_dead" in plan_by_index(Delivery.objects.undecided_because(Reason.INVALID))


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_requeue_at_once_one_does():
    click = make_click()
    for _ in range(5):
        dead(conversion=make_conversion(click))

    def requeue(turn: int) -> int:
        try:
            return Delivery.objects.requeue(None, timezone.now())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        counts = sorted(pool.map(requeue, range(2)))

    assert counts == [0, 5]
