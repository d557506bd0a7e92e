from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from conversions.wake import DIGEST
from dispatch.models import Heartbeat
from dispatch.tasks import BEAT, SWEEP, beat
from tests.factories import make_conversion, make_network, make_postback
from trackingsite.pulse import heart_beats, prepare, pulse

pytestmark = pytest.mark.django_db


def waiting() -> list[Any]:
    """The tasks on the queue by their names."""
    return [row.func() for row in OrmQ.objects.order_by("id")]


@pytest.fixture(autouse=True)
def prepared() -> None:
    prepare()


def test_an_idle_site_gets_no_wake_up_but_the_heartbeat():
    pulse()
    pulse()

    assert waiting() == [BEAT]


def test_what_is_due_wakes_the_workers():
    make_postback(make_network(), {})
    make_conversion()

    pulse()

    assert waiting() == [DIGEST, SWEEP, BEAT]


def test_workers_that_are_behind_are_not_woken_again_and_again():
    make_postback(make_network(), {})

    for _ in range(10):
        pulse()

    assert waiting().count(DIGEST) <= 2


def test_preparing_again_changes_nothing():
    prepare()

    assert Schedule.objects.get().func == SWEEP
    assert Heartbeat.objects.count() == 1


def test_without_a_sign_of_life_the_workers_count_as_stopped_once():
    now = timezone.now()

    assert heart_beats(now + timedelta(seconds=80))
    assert not heart_beats(now + timedelta(seconds=100))
    assert heart_beats(now + timedelta(seconds=101))


def test_a_beat_is_a_sign_of_life():
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(seconds=85))

    beat()

    assert heart_beats(timezone.now() + timedelta(seconds=80))
