"""Workers start on a queue that another release, another key or a hand has left behind."""

import sys
import types
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule, Task
from django_q.signing import SignedPackage

from conversions.models import Postback
from conversions.outcomes import Outcome
from conversions.wake import enqueue
from dispatch.tiktok.sandbox import Sandbox
from tests.factories import make_click, make_postback
from tests.faults.hosts import Host, convert, deliverable_offer, host, is_delivered, wait_for
from trackingsite.pulse import bad_schedules

OLD_TASKS = {"dispatch.tasks.drain_pixel": [1], "dispatch.tasks.deliver": [], "dispatch.tasks.sweep": []}


@pytest.fixture(scope="module", autouse=True)
def _left_behind(hosts_database: str) -> None:
    """A queue in which the bad rows come first."""
    queue_unreadable()
    queue_under_another_key()
    leave_waiting_for_its_click()
    Schedule.objects.create(name="malformed", func="dispatch.tasks.sweep", args="(", next_run=timezone.now())
    for task, arguments in OLD_TASKS.items():
        enqueue(task, *arguments)


@pytest.fixture(scope="module")
def workers(
    hosts_database: str, _left_behind: None, tiktok: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    with host(tmp_path_factory.mktemp("host"), hosts_database, TIKTOK_API_URL=tiktok.url) as running:
        yield running


def queue_unreadable() -> None:
    """What a release before this one queued, whose module is gone."""
    gone = types.ModuleType("gone")
    gone.Argument = type("Argument", (), {"__module__": "gone"})
    sys.modules["gone"] = gone
    payload = SignedPackage.dumps({"func": "dispatch.tasks.sweep", "args": (gone.Argument(),)})
    del sys.modules["gone"]
    OrmQ.objects.create(key=Conf.CLUSTER_NAME, payload=payload, lock=timezone.now())


def queue_under_another_key() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Conf, "SECRET_KEY", "the key before this one")
        enqueue("dispatch.tasks.sweep")


def leave_waiting_for_its_click() -> None:
    click = make_click()
    params = {"click_id": click.pk, "txid": "T-1", "status": "approved", "payout": "1.00", "currency": "USD"}
    make_postback(click.offer.network, params)
    in_an_hour = timezone.now() + timedelta(hours=1)
    Postback.objects.update(outcome=Outcome.UNMATCHED_CLICK, click_ref=click.pk, due_at=in_an_hour)


def test_the_queue_is_worked_off_whatever_was_on_it(workers: Host) -> None:
    wait_for(lambda: not OrmQ.objects.exists(), lambda: workers.said)

    assert workers.said.count("can't be read (ModuleNotFoundError) and is dropped") == 1
    assert not Task.objects.exists(), "only failures are kept"
    assert workers.restarts() == 0


def test_wake_ups_that_a_new_secret_key_made_worthless_are_not_missed(workers: Host) -> None:
    conversion = convert(deliverable_offer())

    wait_for(lambda: is_delivered(conversion), lambda: workers.said)


def test_a_malformed_schedule_stops_no_sweep_and_is_told(workers: Host) -> None:
    """Only the sweep finds a postback that waits for its click before its time."""
    waiting = Postback.objects.get()

    wait_for(lambda: waiting.refresh_from_db() or waiting.outcome == Outcome.RECORDED, lambda: workers.said)

    assert bad_schedules() == ["malformed"]
