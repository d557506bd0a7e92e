import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from dispatch import outbox
from dispatch.models import Delivery
from dispatch.reasons import Reason
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from tests.factories import make_click, make_conversion, make_delivery
from tests.plans import make_finished_deliveries, plan_by_index

pytestmark = pytest.mark.django_db
Status = Delivery.Status


def claimed(**fields) -> Delivery:
    delivery = make_delivery(**fields)
    return outbox.claim(delivery.pixel, timezone.now(), 1)[0]


def settled(verdict: Verdict, delivery: Delivery | None = None, **fields) -> Delivery:
    delivery = delivery or claimed(**fields)
    outbox.settle([delivery], Reply(verdict, "words"), timezone.now())
    delivery.refresh_from_db()
    return delivery


def test_a_claimed_delivery_is_claimed_once():
    delivery = claimed()

    assert outbox.claim(delivery.pixel, timezone.now(), 10) == []
    assert (delivery.status, delivery.claims) == (Status.LEASED, 1)


def test_what_is_not_due_yet_is_not_claimed():
    delivery = make_delivery(next_attempt_at=timezone.now() + timedelta(seconds=5))

    assert outbox.claim(delivery.pixel, timezone.now(), 10) == []


def test_a_claim_takes_the_longest_waiting_first():
    click = make_click()
    now = timezone.now()
    young = make_delivery(make_conversion(click), next_attempt_at=now - timedelta(seconds=1))
    old = make_delivery(make_conversion(click), next_attempt_at=now - timedelta(seconds=60))

    assert outbox.claim(old.pixel, now, 1) == [old]
    assert outbox.claim(old.pixel, now, 1) == [young]


def test_due_uses_its_partial_index():
    make_finished_deliveries()
    pixel = make_delivery().pixel
    due = Delivery.objects.due(timezone.now()).filter(pixel=pixel).order_by("next_attempt_at")

    assert "delivery_due" in plan_by_index(due)


def test_accepted_is_final():
    delivery = settled(Verdict.ACCEPTED)

    assert (delivery.status, delivery.attempts) == (Status.ACCEPTED, 1)
    assert delivery.lease_token is None
    assert delivery.accepted_at


def test_a_late_settle_changes_nothing():
    delivery = claimed()
    Delivery.objects.update(lease_token=uuid.uuid4())

    assert settled(Verdict.ACCEPTED, delivery).status == Status.LEASED


def test_tiktoks_trouble_is_tried_again_after_ten_seconds():
    now = timezone.now()

    delivery = settled(Verdict.TRANSIENT)

    assert (delivery.status, delivery.attempts, delivery.maybe_accepted) == (Status.WAITING, 1, False)
    assert timedelta(seconds=7) < delivery.next_attempt_at - now < timedelta(seconds=13)


def test_the_pauses_grow_and_stay_within_their_jitter():
    for attempts, base in enumerate(outbox.RETRY_SECONDS):
        assert base * 0.8 <= outbox.retry_seconds(attempts) <= base * 1.2


def test_an_unknown_outcome_is_remembered():
    assert settled(Verdict.UNKNOWN).maybe_accepted


def test_an_unknown_outcome_is_remembered_of_the_last_try_too():
    delivery = settled(Verdict.UNKNOWN, attempts=len(outbox.RETRY_SECONDS))

    assert (delivery.status, delivery.maybe_accepted) == (Status.DEAD, True)


def test_an_unknown_outcome_is_remembered_of_what_is_held():
    long_ago = timezone.now() - timedelta(hours=47)
    delivery = settled(Verdict.UNKNOWN, attempts=8, first_sent_at=long_ago)

    assert (delivery.status, delivery.maybe_accepted) == (Status.HELD, True)


def test_after_the_last_retry_it_is_a_dead_letter():
    delivery = settled(Verdict.TRANSIENT, attempts=len(outbox.RETRY_SECONDS))

    assert (delivery.status, delivery.reason, delivery.detail) == (Status.DEAD, Reason.RETRIES_EXHAUSTED, "words")


def test_an_unknown_outcome_is_not_repeated_after_tiktok_stops_merging():
    delivery = settled(
        Verdict.TRANSIENT, maybe_accepted=True, attempts=8, first_sent_at=timezone.now() - timedelta(hours=45)
    )

    assert (delivery.status, delivery.reason) == (Status.HELD, Reason.OUTCOME_UNKNOWN)


@pytest.mark.parametrize("verdict", [Verdict.THROTTLED, Verdict.AUTH])
def test_throttling_and_refused_credentials_cost_no_attempt(verdict):
    delivery = settled(verdict)

    assert (delivery.status, delivery.attempts, delivery.claims) == (Status.WAITING, 0, 0)


def test_a_suspect_is_claimed_alone_and_takes_no_neighbours_along():
    click = make_click()
    now = timezone.now()
    suspect = make_delivery(make_conversion(click), batch_limit=1, next_attempt_at=now - timedelta(seconds=60))
    others = [make_delivery(make_conversion(click)) for _ in range(3)]

    assert outbox.claim(suspect.pixel, timezone.now(), 10) == [suspect]
    assert set(outbox.claim(suspect.pixel, timezone.now(), 10)) == set(others)


def test_a_younger_suspect_waits_for_its_own_turn():
    click = make_click()
    now = timezone.now()
    first = make_delivery(make_conversion(click), next_attempt_at=now - timedelta(seconds=60))
    suspect = make_delivery(make_conversion(click), batch_limit=1)

    assert outbox.claim(first.pixel, timezone.now(), 10) == [first]
    assert outbox.claim(first.pixel, timezone.now(), 10) == [suspect]


def test_a_warning_that_comes_with_the_acceptance_is_kept():
    delivery = claimed()

    outbox.settle([delivery], Reply(Verdict.ACCEPTED, "one field was ignored", code=20001), timezone.now())

    delivery.refresh_from_db()
    assert delivery.status == Status.ACCEPTED
    assert "one field was ignored" in delivery.detail


def test_retry_after_is_honoured_up_to_an_hour():
    assert 7 <= outbox.throttle_seconds(Reply(Verdict.THROTTLED, "", retry_after=7)) <= 8.4
    assert outbox.throttle_seconds(Reply(Verdict.THROTTLED, "", retry_after=99999)) <= 3600 * 1.2


def test_a_dead_workers_delivery_comes_back_with_a_warning():
    claimed()

    outbox.release_expired(timezone.now() + outbox.lease() + timedelta(seconds=1))

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.maybe_accepted) == (Status.WAITING, True)


def test_a_lease_that_runs_is_left_alone():
    claimed()

    assert outbox.release_expired(timezone.now()) == 0


def test_what_kills_its_worker_again_and_again_is_a_dead_letter():
    delivery = claimed(claims=2)

    outbox.release_expired(timezone.now() + outbox.lease() + timedelta(seconds=1))

    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == (Status.DEAD, Reason.CRASH_LOOP)


def test_the_database_refuses_a_second_promise_of_an_event():
    delivery = make_delivery()
    other = make_conversion(delivery.conversion.click)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_delivery(other, event_id=delivery.event_id)
