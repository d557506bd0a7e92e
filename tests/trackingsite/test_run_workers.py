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

from trackingsite.management.commands.run_workers import Supervisor
from trackingsite.supervision import StopSignal, end_all, keeper

CLUSTER = """
import os, signal, subprocess, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1], "a") as runs:
    runs.write(f"{os.getpid()} {worker.pid}\\n")
time.sleep(0 if "brief" in sys.argv else 60)
"""


class Cluster:
    """A stand-in for qcluster: starts a worker, and ends in the way that the test asks for."""

    def __init__(self, record: Path) -> None:
        self.record = record
        self.pulses = 0

    def supervisor(self, *manners: str, pulse: Callable[[], object] | None = None) -> Supervisor:
        command = [sys.executable, "-c", CLUSTER, str(self.record), *manners]
        return Supervisor(command, prepare=lambda: None, pulse=pulse or self.count)

    def count(self) -> None:
        self.pulses += 1

    @property
    def runs(self) -> list[list[int]]:
        """Process numbers of cluster and worker, of every run so far."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [[int(number) for number in line.split()] for line in lines]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(keeper, "PAUSES", (0.0,))
    return Cluster(tmp_path / "runs")


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
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
    supervisor.keeper.start()
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
    supervisor.keeper.start()

    wait_for(lambda: supervisor.turn() or len(cluster.runs) == 3)
    end_all([supervisor.keeper.child], grace=0)

    wait_for(lambda: not alive(cluster))


def test_waits_longer_while_it_keeps_ending(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "PAUSES", (0.0, 60.0))
    supervisor = cluster.supervisor("brief")
    supervisor.keeper.start()

    wait_for(lambda: supervisor.turn() or supervisor.keeper.failures == 2)
    supervisor.turn()

    assert len(cluster.runs) == 2


class Interruption:
    """Sends this process a signal from inside a pulse, as if somebody had stopped it while it works."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def __call__(self) -> None:
        for number in self.numbers:
            os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ends_with_everything_it_started(cluster: Cluster, number: int) -> None:
    started = time.monotonic()

    with StopSignal() as stop:
        cluster.supervisor(pulse=Interruption(number)).run(stop)

    assert cluster.runs
    wait_for(lambda: not alive(cluster))
    assert time.monotonic() - started < 5


def test_kills_a_cluster_that_does_not_end(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackingsite.management.commands.run_workers.GRACE_SECONDS", 0.3)

    with StopSignal() as stop:
        cluster.supervisor("stubborn", pulse=Interruption(signal.SIGTERM)).run(stop)

    assert cluster.runs
    wait_for(lambda: not alive(cluster))


def test_hurries_when_asked_twice(cluster: Cluster) -> None:
    started = time.monotonic()

    with StopSignal() as stop:
        cluster.supervisor("stubborn", pulse=Interruption(signal.SIGINT, signal.SIGINT)).run(stop)

    wait_for(lambda: not alive(cluster))
    assert time.monotonic() - started < 4


def test_leaves_nothing_when_a_pulse_breaks(cluster: Cluster) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with StopSignal() as stop, pytest.raises(ZeroDivisionError):
        cluster.supervisor(pulse=broken).run(stop)

    assert cluster.runs
    wait_for(lambda: not alive(cluster))


class Outage:
    """A pulse that fails a number of times."""

    def __init__(self, error: type[Exception], times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, RedisError])
def test_outlives_an_outage_and_logs_it_once(
    cluster: Cluster, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    caplog.set_level(logging.INFO)
    supervisor = cluster.supervisor(pulse=Outage(error, times=3))

    for _ in range(5):
        supervisor.beat()

    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_prepares_once_and_as_soon_as_the_database_answers() -> None:
    prepare, pulses = Outage(OperationalError, times=2), []
    supervisor = Supervisor([], prepare=prepare, pulse=lambda: pulses.append(1))

    for _ in range(5):
        supervisor.beat()

    assert prepare.calls == 3
    assert len(pulses) == 3


def test_ends_and_starts_a_cluster_that_does_nothing_any_more(cluster: Cluster) -> None:
    signs_of_life = iter([False])
    supervisor = cluster.supervisor(pulse=lambda: next(signs_of_life, True))
    supervisor.keeper.start()
    wait_for(lambda: cluster.runs)

    wait_for(lambda: supervisor.turn() or len(cluster.runs) == 2)

    wait_for(lambda: alive(cluster) == cluster.runs[1])
    end_all([supervisor.keeper.child], grace=0)
