"""Worker hosts as real processes, and this test process's ORM on their database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from conversions.models import Conversion
from conversions.wake import enqueue
from dispatch.models import Delivery, Heartbeat
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_credential, make_offer
from tests.run import environment
from trackingsite.environment import BASE_DIR

PATIENCE = 60.0
WORK = "tests.faults.tasks.work_for"

RUN_WORKERS = """
import os, sys
from datetime import timedelta
import django
from django.core.management import call_command
os.environ["DJANGO_SETTINGS_MODULE"] = "trackingsite.settings"
django.setup()
from dispatch.models import heartbeat
from trackingsite.management.commands import run_workers
from trackingsite.supervision import end_with, keeper
end_with(int(sys.argv[1]))
keeper.PAUSES = (0.1,)
heartbeat.STALL = timedelta(seconds=float(sys.argv[2]))
heartbeat.EVERY = heartbeat.STALL / 9
run_workers.GRACE_SECONDS = float(sys.argv[3])
run_workers.PULSE_SECONDS = 0.3
call_command("run_workers")
"""
"""`manage.py run_workers` in haste, where a test asks for that; and it ends with the tests."""


class Host:
    """A `run_workers` under way, with all its processes."""

    def __init__(self, folder: Path, url: str, stall: float = 45.0, grace: float = 7.0, **more: str) -> None:
        self.state, self.log = folder / "state", folder / "log"
        self.state.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = psutil.Popen(
                [sys.executable, "-c", RUN_WORKERS, str(os.getpid()), str(stall), str(grace)],
                cwd=BASE_DIR,
                env=environment_of_host(self.state, url) | more,
                stdout=output,
                stderr=output,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def family(self) -> list[psutil.Process]:
        """Everything that it has started: the cluster's first process, its guard, workers, monitor and pusher."""
        return family_of(self.process)

    def settled(self) -> list[psutil.Process]:
        """The family once it is complete."""
        wait_for(lambda: len(self.family) == settings.WORKERS + 4, lambda: self.said)
        return self.family

    def busy_worker(self, seconds: int = 30) -> psutil.Process:
        """A worker in the middle of a task. Other hosts must not be there to take it."""
        before = set(self.state.glob("busy-*"))
        enqueue(WORK, seconds)
        wait_for(lambda: set(self.state.glob("busy-*")) - before, lambda: self.said)
        note = (set(self.state.glob("busy-*")) - before).pop()
        return psutil.Process(int(note.name.removeprefix("busy-")))

    def heartbeat(self) -> Heartbeat | None:
        """The row that it keeps in the database."""
        return Heartbeat.objects.filter(cluster__contains=f":{self.process.pid}:").first()

    def restarts(self) -> int:
        row = self.heartbeat()
        return row.restarts if row else 0

    def end(self, number: int = signal.SIGTERM) -> float:
        """Send it a signal and wait until nothing is left of it. Returns the seconds that this took."""
        family, started = [self.process, *self.family], time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        wait_for(lambda: not alive(family), lambda: f"left behind: {alive(family)}\n{self.said}")
        return time.monotonic() - started


@contextmanager
def host(folder: Path, url: str, **options: Any) -> Iterator[Host]:
    """A host that runs inside the block."""
    running = Host(folder, url, **options)
    try:
        yield running
    finally:
        if running.process.is_running():
            running.end()


def environment_of_host(state: Path, url: str) -> dict[str, str]:
    """All defaults, but with the tests' own secrets, so that what they write can be read."""
    # What a killed worker has claimed is soon free again.
    haste = {"DELIVERY_LEASE_SECONDS": "12", "TIKTOK_DEADLINE_SECONDS": "3"}
    env = environment(state, url) | haste | {"DJANGO_SETTINGS_MODULE": "trackingsite.settings"}
    secrets = {"DJANGO_SECRET_KEY": settings.SECRET_KEY, "FIELD_ENCRYPTION_KEYS": settings.FIELD_ENCRYPTION_KEYS[0]}
    return env | secrets


def family_of(process: psutil.Process) -> list[psutil.Process]:
    try:
        return sorted(alive(process.children(recursive=True)), key=lambda child: (child.create_time(), child.pid))
    except psutil.NoSuchProcess:
        return []


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], object], explain: Callable[[], str] = str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain. {explain()}"
        time.sleep(0.05)


def migrate(url: str, folder: Path) -> None:
    """Make the tables."""
    command = [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"]
    subprocess.run(command, cwd=BASE_DIR, env=environment_of_host(folder, url), check=True)


def deliverable_offer() -> Offer:
    """An offer with a pixel and a token of its own, as a token stands for the pixels that it was first used for."""
    offer = make_offer()
    make_credential(offer.pixel, token=f"token-of-{offer.pixel.code}")
    return offer


def convert(offer: Offer) -> Conversion:
    """A conversion to deliver, of which nobody is told."""
    return make_conversion(make_click(offer))


def is_delivered(conversion: Conversion) -> bool:
    return Delivery.objects.filter(conversion=conversion, status=Delivery.Status.ACCEPTED).exists()
