"""The workers' supervisor, with a stand-in for the cluster."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.db import OperationalError
from redis import RedisError

from trackingsite.lookout import Lookout
from trackingsite.management.commands import run_workers
from trackingsite.management.commands.run_workers import Supervisor
from trackingsite.supervision import Child, StopSignal, end_all, keeper

CLUSTER = """
import os, signal, subprocess, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1], "a") as runs:
    runs.write(f"{os.getpid()} {worker.pid}\\n")
time.sleep(0 if "brief" in sys.argv else 60)
"""


class StubPulse:
    """A pulse that finds the workers well, unless the test says what happens in it."""

    def __init__(self, during: Callable[[], object] = lambda: True) -> None:
        self.during = during
        self.prepared = self.pulses = self.restarts = 0
        self.ended = False

    def prepare(self) -> None:
        self.prepared += 1

    def beat(self) -> bool:
        self.pulses += 1
        return self.during() is not False

    def note_restart(self) -> None:
        self.restarts += 1

    def end(self) -> None:
        self.ended = True


class Cluster:
    """A stand-in for qcluster: starts a worker, and ends in the way that the test asks for."""

    def __init__(self, record: Path) -> None:
        self.record = record

    def supervisor(self, *manners: str, pulse: "StubPulse | None" = None) -> Supervisor:
        command = [sys.executable, "-c", CLUSTER, str(self.record), *manners]
        return Supervisor(Child("workers", command), pulse or StubPulse())

    @property
    def runs(self) -> list[list[int]]:
        """Process numbers of cluster and worker, of every run so far."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [[int(number) for number in line.split()] for line in lines]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(keeper, "PAUSES", (0.0,))
    return Cluster(tmp_path / "runs")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> float:
    """The seconds that a cluster has to end, far more than it needs; that they pass would be the failure."""
    monkeypatch.setattr(run_workers, "GRACE_SECONDS", 30.0)
    return 30.0


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def alive(cluster: Cluster) -> list[int]:
    return [pid for run in cluster.runs for pid in run if is_alive(pid)]


@pytest.fixture
def started(cluster: Cluster) -> Iterator[Supervisor]:
    supervisor = cluster.supervisor()
    supervisor.turn()
    wait_for(lambda: cluster.runs)
    yield supervisor
    end_all([supervisor.keeper.child], grace=0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_starts_a_cluster_that_was_killed_again(cluster: Cluster, started: Supervisor, number: int) -> None:
    first = cluster.runs[0]

    os.kill(first[0], number)
    wait_for(lambda: started.turn() or len(cluster.runs) == 2)

    wait_for(lambda: alive(cluster) == cluster.runs[1])
    assert first != cluster.runs[1]


def test_starts_a_cluster_that_ended_by_itself_again(cluster: Cluster) -> None:
    """Exit code 0 is what django-q2 leaves when its guard has died."""
    supervisor = cluster.supervisor("brief")

    wait_for(lambda: supervisor.turn() or len(cluster.runs) == 3)
    end_all([supervisor.keeper.child], grace=0)

    wait_for(lambda: not alive(cluster))


def test_waits_longer_while_it_keeps_ending(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "PAUSES", (0.0, 60.0))
    supervisor = cluster.supervisor("brief")

    wait_for(lambda: supervisor.turn() or supervisor.keeper.failures == 2)
    supervisor.turn()

    assert len(cluster.runs) == 2


class Interruption:
    """Sends this process a signal from inside a pulse, as if somebody had stopped it while it works."""

    def __init__(self, cluster: Cluster, *numbers: int) -> None:
        self.cluster, self.numbers = cluster, numbers

    def __call__(self) -> None:
        wait_for(lambda: self.cluster.runs)
        for number in self.numbers:
            os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ends_with_everything_it_started(cluster: Cluster, number: int, patient: float) -> None:
    started = time.monotonic()

    with StopSignal() as stop:
        cluster.supervisor(pulse=StubPulse(Interruption(cluster, number))).run(stop)

    assert cluster.runs
    wait_for(lambda: not alive(cluster))
    assert time.monotonic() - started < patient


def test_kills_a_cluster_that_does_not_end(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_workers, "GRACE_SECONDS", 0.3)

    with StopSignal() as stop:
        cluster.supervisor("stubborn", pulse=StubPulse(Interruption(cluster, signal.SIGTERM))).run(stop)

    assert cluster.runs
    wait_for(lambda: not alive(cluster))


def test_hurries_when_asked_twice(cluster: Cluster, patient: float) -> None:
    started = time.monotonic()

    with StopSignal() as stop:
        cluster.supervisor("stubborn", pulse=StubPulse(Interruption(cluster, signal.SIGINT, signal.SIGINT))).run(stop)

    wait_for(lambda: not alive(cluster))
    assert time.monotonic() - started < patient


def test_leaves_nothing_when_a_pulse_breaks(cluster: Cluster) -> None:
    def broken() -> None:
        wait_for(lambda: cluster.runs)
        raise ZeroDivisionError

    with StopSignal() as stop, pytest.raises(ZeroDivisionError):
        cluster.supervisor(pulse=StubPulse(broken)).run(stop)

    assert cluster.runs
    wait_for(lambda: not alive(cluster))


class Outage:
    """Fails a number of times."""

    def __init__(self, error: type[Exception], times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, RedisError])
def test_outlives_an_outage_and_logs_it_once(
    cluster: Cluster, started: Supervisor, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    caplog.set_level(logging.INFO)
    pulse = StubPulse(Outage(error, times=3))
    started._pulse = pulse

    for _ in range(5):
        started.turn()

    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert pulse.prepared == 3, "what was missed meanwhile must not count"
    assert len(cluster.runs) == 1


@pytest.mark.django_db
def test_starts_the_cluster_as_soon_as_the_database_answers(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pulse, prepare = StubPulse(), Outage(OperationalError, times=2)
    monkeypatch.setattr(pulse, "prepare", prepare)
    supervisor = cluster.supervisor(pulse=pulse)

    running = [supervisor.turn() or supervisor.keeper.child.is_running for _ in range(4)]
    end_all([supervisor.keeper.child], grace=0)

    assert running == [False, False, True, True]
    assert (prepare.calls, pulse.pulses) == (3, 2)


def test_ends_and_starts_a_cluster_that_does_nothing_any_more(cluster: Cluster) -> None:
    signs_of_life = iter([True, False])
    pulse = StubPulse(lambda: next(signs_of_life, True))
    supervisor = cluster.supervisor(pulse=pulse)
    supervisor.turn()
    wait_for(lambda: cluster.runs)

    wait_for(lambda: supervisor.turn() or len(cluster.runs) == 2)

    wait_for(lambda: alive(cluster) == cluster.runs[1])
    assert pulse.restarts == 1
    end_all([supervisor.keeper.child], grace=0)


def test_counts_every_end_of_the_cluster_once(cluster: Cluster, started: Supervisor) -> None:
    pulse = started._pulse = StubPulse()

    for number in (1, 2):
        os.kill(cluster.runs[-1][0], signal.SIGKILL)
        wait_for(lambda number=number: started.turn() or len(cluster.runs) == number + 1)

    assert pulse.restarts == 2


@pytest.mark.django_db
def test_a_restart_during_an_outage_is_counted_after_it(cluster: Cluster, started: Supervisor) -> None:
    pulse = started._pulse = StubPulse(Outage(OperationalError, times=3))

    os.kill(cluster.runs[0][0], signal.SIGKILL)
    wait_for(lambda: started.turn() or pulse.pulses == 3)
    assert pulse.restarts == 0
    started.turn()

    assert pulse.restarts == 1


def test_goes_on_with_a_cluster_that_somebody_stopped(cluster: Cluster, started: Supervisor) -> None:
    stopped = [psutil.Process(pid) for pid in cluster.runs[0]]
    for process in stopped:
        process.suspend()

    started.turn()

    wait_for(lambda: all(process.status() != psutil.STATUS_STOPPED for process in stopped))
    assert len(cluster.runs) == 1


def test_says_goodbye_only_when_told_to_stop(cluster: Cluster) -> None:
    pulse = StubPulse(Interruption(cluster, signal.SIGTERM))

    with StopSignal() as stop:
        cluster.supervisor(pulse=pulse).run(stop)

    assert pulse.ended


def test_starts_workers_while_the_lookout_hangs(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_workers, "CALM_SECONDS", 0.0)
    lookout = Lookout()
    child = run_workers.CalmChild(lookout, "workers", [sys.executable, "-c", "import time; time.sleep(60)"])

    with lookout.busy:
        child.start()

    assert child.is_running
    assert end_all([child], grace=30.0) == []
    assert lookout.busy.acquire(blocking=False)
