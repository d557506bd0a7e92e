"""`manage.py quickstart`, really started: it serves, and it leaves nothing behind, however it ends."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.postgresql import free_port
from trackingsite.environment import BASE_DIR

MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]
PATIENCE = 180
"""Seconds; a slow machine fails no test."""


def wait_for(condition: Callable[[], object], what: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s in vain. {what()}"
        time.sleep(0.05)


class Site:
    """A quickstart under way."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self.env, self.log = env, log
        with log.open("wb") as output:
            self.process = subprocess.Popen([*MANAGE, "quickstart"], env=env, stdout=output, stderr=output)
        wait_for(lambda: "Try next" in self.said or self.process.poll(), lambda: self.said)

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def family(self) -> list[psutil.Process]:
        """Everything that it has started, directly or not."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process | None:
        children = psutil.Process(self.process.pid).children()
        return next((child for child in children if word in child.cmdline()), None)

    def answers(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.env['WEB_PORT']}/healthz"
            return urllib.request.urlopen(url, timeout=2).status == 200  # type: ignore[no-any-return]
        except OSError:
            return False

    def end(self, number: int) -> int:
        """Send it a signal and wait until nothing is left of it. Returns its exit code."""
        family = self.family
        self.process.send_signal(number)
        wait_for(lambda: self.process.poll() is not None, lambda: self.said)
        wait_for(lambda: not any(map(is_alive, family)), lambda: f"Left: {list(filter(is_alive, family))}")
        return self.process.returncode


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_free(port: str) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.bind(("127.0.0.1", int(port))) is None


@pytest.fixture
def env(surroundings: dict[str, str]) -> dict[str, str]:
    return surroundings | {"WEB_PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}


@pytest.fixture
def start(env: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Starts a site; whatever the test leaves running is killed."""
    sites = []

    def start(**more: str) -> Site:
        sites.append(Site(env | more, tmp_path / f"output-{len(sites)}"))
        return sites[-1]

    yield start
    for site in sites:
        if site.process.poll() is None:
            site.end(signal.SIGTERM)


def test_runs_ends_and_runs_again_with_the_same_data(start: Callable[..., Site], env: dict[str, str]) -> None:
    site = start()
    another_shell = {name: value for name, value in env.items() if name not in ("WEB_PORT", "SANDBOX_PORT")}
    told = subprocess.run([*MANAGE, "seed_demo", "--json"], env=another_shell, capture_output=True, check=True)
    login = json.loads(told.stdout)["admin"]
    address = "from django.conf import settings; print(settings.TIKTOK_API_URL)"
    tiktok = subprocess.run([*MANAGE, "shell", "-v0", "-c", address], env=another_shell, capture_output=True, text=True)

    assert site.answers()
    assert f":{env['WEB_PORT']}/" in told.stdout.decode()
    assert tiktok.stdout.strip() == f"http://127.0.0.1:{env['SANDBOX_PORT']}"
    assert f"{login['username']} / {login['password']}" in site.said
    assert site.end(signal.SIGTERM) == 0
    assert is_free(env["WEB_PORT"])
    assert is_free(env["SANDBOX_PORT"])

    site = start()

    assert "no migrations" in site.said
    assert login["password"] in site.said
    assert site.end(signal.SIGINT) == 0
    assert "Traceback" not in site.said


def test_keeps_the_web_running_and_dies_whole(start: Callable[..., Site], env: dict[str, str]) -> None:
    site = start(TIKTOK_API_URL="http://127.0.0.1:9")
    web = site.child("web_server")
    assert web
    assert not site.child("tiktok_sandbox")

    web.kill()
    wait_for(lambda: "web ended by signal 9; starting it again" in site.said, lambda: site.said)
    wait_for(site.answers, lambda: site.said)

    assert site.end(signal.SIGKILL) == -signal.SIGKILL
    assert is_free(env["WEB_PORT"])


@pytest.mark.parametrize("setting", ["WEB_PORT", "SANDBOX_PORT"])
def test_says_so_when_a_port_is_taken(env: dict[str, str], setting: str) -> None:
    with socket.create_server(("127.0.0.1", int(env[setting]))):
        done = subprocess.run([*MANAGE, "quickstart"], env=env, capture_output=True, text=True, timeout=PATIENCE)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"CommandError: Port {env[setting]} is taken. Stop what runs there, or choose another one with {setting}."
    ]
    assert done.stdout == ""


def test_says_so_when_the_database_is_away(env: dict[str, str]) -> None:
    away = env | {"DATABASE_URL": "postgres://somebody:hush@127.0.0.1:9/nowhere"}

    done = subprocess.run([*MANAGE, "quickstart"], env=away, capture_output=True, text=True, timeout=PATIENCE)

    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The database can't be reached")
    assert "hush" not in done.stderr


def test_stops_quietly_while_it_still_prepares(env: dict[str, str]) -> None:
    process = subprocess.Popen([*MANAGE, "quickstart"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)  # it ends what it has begun first

    assert errors == b""
    assert process.returncode == 0
