import os
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django_q.models import OrmQ, Schedule, Task

from conversions import wake
from conversions.wake import DIGEST
from dispatch import clock
from dispatch.models import Heartbeat
from dispatch.models.heartbeat import STALL
from dispatch.tasks import BEAT, SWEEP
from tests.factories import make_conversion, make_network, make_postback
from trackingsite import pulse as module
from trackingsite.cluster import LifeSigns
from trackingsite.pulse import Pulse, bad_schedules, cluster_name, tidy

pytestmark = pytest.mark.django_db
CLUSTER = f"here:{os.getpid()}:00aa"


def waiting() -> list[Any]:
    """The tasks on the queue by their names."""
    return [row.func() for row in OrmQ.objects.order_by("id")]


@pytest.fixture
def pulse() -> Pulse:
    """The pulse of a cluster that has just been started, with the sweep of this minute behind it."""
    pulse = Pulse(CLUSTER)
    pulse.prepare()
    pulse.beat()
    OrmQ.objects.all().delete()
    return pulse


def beat_ago(seconds: float, cluster: str = CLUSTER) -> None:
    """Have the cluster's last beat be so long ago."""
    Heartbeat.objects.filter(cluster=cluster).update(beat_at=clock.now() - timedelta(seconds=seconds))


def beat_at(cluster: str = CLUSTER) -> datetime:
    return Heartbeat.objects.get(cluster=cluster).beat_at


class TestWaking:
    def test_an_idle_site_gets_no_wake_up(self, pulse: Pulse):
        pulse.beat()
        pulse.beat()

        assert waiting() == []

    def test_what_is_due_wakes_the_workers(self, pulse: Pulse):
        make_postback(make_network(), {})
        make_conversion()

        pulse.beat()

        assert waiting() == [DIGEST, SWEEP]

    def test_workers_that_are_behind_are_not_woken_again_and_again(self, pulse: Pulse):
        make_postback(make_network(), {})

        for _ in range(10):
            pulse.beat()

        assert waiting().count(DIGEST) == 2

    def test_the_sweep_runs_at_the_start_and_once_a_minute(self, monkeypatch: pytest.MonkeyPatch):
        pulse = Pulse(CLUSTER)
        pulse.prepare()

        for seconds in (0.0, 30.0, 59.0, 61.0):
            monkeypatch.setattr(module.time, "monotonic", lambda seconds=seconds: 1000 + seconds)
            pulse.beat()

        assert waiting().count(SWEEP) == 2

    def test_a_queue_that_is_away_is_told(self, pulse: Pulse, monkeypatch: pytest.MonkeyPatch):
        def broken(*args: Any, **options: Any) -> None:
            raise OperationalError

        make_conversion()
        monkeypatch.setattr(wake, "async_task", broken)

        with pytest.raises(OperationalError):
            pulse.beat()


class TestHeartbeat:
    def test_it_is_asked_for_every_few_seconds(self, pulse: Pulse):
        Heartbeat.objects.update(asked_at=clock.now() - timedelta(seconds=6))

        pulse.beat()
        pulse.beat()

        assert waiting() == [BEAT]

    def test_one_that_others_are_faster_than_is_asked_each_second_with_them_all(self, pulse: Pulse):
        Heartbeat.objects.start("there:1", clock.now())
        beat_ago(11)

        pulse.beat()
        pulse.beat()

        assert waiting() == [BEAT] * 4

    def test_without_a_sign_of_life_the_workers_count_as_stopped(self, pulse: Pulse):
        beat_ago(STALL.total_seconds() - 5)
        assert pulse.beat()

        beat_ago(STALL.total_seconds() + 5)
        assert not pulse.beat()

    def test_another_clusters_beat_is_no_sign_of_life(self, pulse: Pulse):
        Heartbeat.objects.start("there:1", clock.now())
        beat_ago(STALL.total_seconds() + 5)

        LifeSigns("there:1").note()

        assert not pulse.beat()

    def test_a_restart_is_counted_and_gives_it_time(self, pulse: Pulse):
        beat_ago(STALL.total_seconds() + 5)

        pulse.note_restart()

        assert pulse.beat()
        assert Heartbeat.objects.get().restarts == 1

    def test_the_database_or_the_queue_having_been_away_is_not_held_against_it(self, pulse: Pulse):
        beat_ago(STALL.total_seconds() + 5)

        pulse.prepare()

        assert pulse.beat()
        assert Heartbeat.objects.get().restarts == 0

    def test_a_row_that_somebody_removed_comes_again(self, pulse: Pulse):
        Heartbeat.objects.all().delete()

        assert pulse.beat()
        assert Heartbeat.objects.get().cluster == CLUSTER

    def test_a_cluster_that_was_stopped_on_purpose_is_not_missed(self, pulse: Pulse):
        Heartbeat.objects.start("there:1", clock.now())

        pulse.end()

        assert Heartbeat.objects.get().cluster == "there:1"


class TestLifeSigns:
    def test_a_task_that_was_done_is_one(self, pulse: Pulse):
        beat_ago(30)

        LifeSigns(CLUSTER).note(sender="django_q", task={})

        assert clock.now() - beat_at() < timedelta(seconds=5)

    def test_many_at_once_are_written_once(self, pulse: Pulse, django_assert_num_queries: Any):
        signs = LifeSigns(CLUSTER)
        signs.note()

        with django_assert_num_queries(0):
            signs.note()

    def test_it_does_not_fail_while_the_database_is_away(self, pulse: Pulse, monkeypatch: pytest.MonkeyPatch):
        def broken() -> None:
            raise OperationalError

        beat_ago(30)
        signs = LifeSigns(CLUSTER)
        with monkeypatch.context() as patch:
            patch.setattr("trackingsite.cluster.connection.close", lambda: None)
            patch.setattr(clock, "now", broken)
            signs.note()

        signs.note()

        assert clock.now() - beat_at() < timedelta(seconds=5)


class TestTidying:
    def test_what_a_killed_supervisor_left_on_this_host_goes_with_the_next_start(self):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        dead = [f"here:{gone.pid}", f"here:{gone.pid}:00bb", f"here:{os.getpid()}:00bb"]
        alive = [f"here:{os.getppid()}", f"here:{os.getppid()}:00bb", f"there:{gone.pid}:00bb", CLUSTER]
        for name in (*dead, *alive):
            Heartbeat.objects.start(name, clock.now())

        Pulse(CLUSTER).prepare()

        assert set(Heartbeat.objects.values_list("cluster", flat=True)) == set(alive)

    @pytest.mark.parametrize("name", ["here:", "here:zzz", "here:²", "here:1:2:3", "here:" + "9" * 40, "here:there:1"])
    def test_a_row_whose_name_is_none_of_ours_is_left_alone(self, name: str):
        Heartbeat.objects.start(name, clock.now())

        Pulse(CLUSTER).prepare()

        assert set(Heartbeat.objects.values_list("cluster", flat=True)) == {CLUSTER, name}

    def test_two_starts_never_share_a_row_even_as_the_same_process_of_equal_hosts(self):
        names = {cluster_name() for _ in range(3)}

        assert len(names) > 1
        assert max(map(len, names)) <= Heartbeat._meta.get_field("cluster").max_length

    def test_clusters_that_are_gone_are_forgotten_after_a_day(self, pulse: Pulse):
        Heartbeat.objects.start("gone:1", clock.now())
        Heartbeat.objects.start("just gone:1", clock.now())
        beat_ago(25 * 3600, "gone:1")
        beat_ago(23 * 3600, "just gone:1")

        tidy(clock.now())

        assert set(Heartbeat.objects.values_list("cluster", flat=True)) == {CLUSTER, "just gone:1"}

    def test_failures_do_not_pile_up(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(module, "FAILURES_KEPT", 3)
        now = clock.now()
        for number in range(5):
            at = now - timedelta(minutes=number)
            Task.objects.create(id=f"{number}", name=f"{number}", func="f", started=at, stopped=at, success=False)

        tidy(now)

        assert set(Task.objects.values_list("name", flat=True)) == {"0", "1", "2"}

    def test_the_schedule_of_an_earlier_release_goes(self):
        Schedule.objects.create(name="sweep", func=SWEEP, schedule_type=Schedule.MINUTES, minutes=1)

        tidy(clock.now())

        assert not Schedule.objects.exists()


def test_rows_in_the_schedule_table_are_named_and_nothing_else_of_them():
    Schedule.objects.create(name="sweep", func=SWEEP, schedule_type=Schedule.MINUTES, minutes=1)
    Schedule.objects.create(name="malformed", func="os.system", args="('a secret")
    nameless = Schedule.objects.create(func="os.system")

    assert bad_schedules() == ["malformed", f"schedule {nameless.pk}"]
