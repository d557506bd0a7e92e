"""Postbacks whose click is not there yet: they wait, and are matched when it arrives."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversions.click_ids import new_click_id
from conversions.digest import digest_batch, rematch_arrived
from conversions.models import Conversion, Postback
from conversions.models.postback import MATCH_SCHEDULE
from conversions.outcomes import Outcome
from conversions.replaying import replay
from conversions.tasks import digest, has_due_postbacks
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db


def test_it_is_tried_again_by_the_schedule_and_then_no_more():
    received = timezone.now()
    make_postback(make_network(), {"click_id": new_click_id()}, received_at=received)
    due = []

    for _ in range(len(MATCH_SCHEDULE) + 1):
        postback = Postback.objects.get()
        due.append(postback.due_at)
        assert digest_batch(postback.due_at) == 1

    assert [moment - received for moment in due] == [timedelta(0), *MATCH_SCHEDULE]
    assert Postback.objects.get().due_at is None
    assert Postback.objects.get().outcome == Outcome.UNMATCHED_CLICK


def test_between_its_tries_it_is_left_alone():
    received = timezone.now()
    make_postback(make_network(), {"click_id": new_click_id()}, received_at=received)
    digest_batch(received)

    assert digest_batch(received + timedelta(seconds=4)) == 0
    assert digest_batch(received + timedelta(seconds=5)) == 1


def test_it_is_matched_as_soon_as_its_click_is_there():
    offer, click_id = make_offer(), new_click_id()
    make_postback(offer.network, {"click_id": click_id})
    now = timezone.now()
    for seconds in (0, 6, 31):
        digest_batch(now + timedelta(seconds=seconds))
    make_click(offer, pk=click_id)

    moved = rematch_arrived(now)
    digest_batch(now)

    assert (moved, Conversion.objects.get().click_id) == (1, click_id)
    assert Postback.objects.get().outcome == Outcome.RECORDED


def test_without_its_click_nothing_is_moved():
    make_click()
    make_postback(make_network(), {"click_id": new_click_id()})
    now = timezone.now()
    digest_batch(now)

    assert rematch_arrived(now) == 0


def test_what_was_refused_for_another_reason_is_not_tried_again():
    click = make_click()
    make_postback(click.offer.network, {"click_id": click.pk, "status": "what"})
    digest_batch(timezone.now())

    assert rematch_arrived(timezone.now()) == 0
    assert digest_batch(timezone.now() + timedelta(days=2)) == 0


@pytest.mark.parametrize(("age", "is_over"), [(timedelta(hours=2), False), (timedelta(days=3), True)])
def test_a_replay_starts_the_schedule_anew_unless_its_day_is_over(age: timedelta, is_over: bool):
    postback = make_postback(make_network(), {"click_id": new_click_id()}, received_at=timezone.now() - age)
    while digest_batch(timezone.now()):
        pass

    replay([postback.pk], timezone.now())
    assert has_due_postbacks()
    while digest_batch(timezone.now()):
        pass

    assert (Postback.objects.get().due_at is None) == is_over


@pytest.mark.parametrize("outcome", [Outcome.UNDECODABLE, Outcome.TOO_LARGE, Outcome.REPEATED_PARAMETER])
def test_a_call_that_could_not_be_read_is_not_replayed(outcome: str):
    postback = make_postback(make_network(), {}, outcome=outcome)

    assert replay([postback.pk], timezone.now()) == 0


def test_the_task_digests_everything_that_is_due_and_nothing_else():
    click = make_click()
    for n in range(3):
        make_postback(click.offer.network, {"click_id": click.pk, "txid": f"T-{n}"})
    make_postback(click.offer.network, {"click_id": click.pk}, received_at=timezone.now() + timedelta(hours=1))

    assert (digest(), has_due_postbacks()) == (3, False)
