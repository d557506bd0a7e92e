"""What tests share that kill processes: worker hosts with a database, stand-ins, and senders on their own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import psutil
import pytest
from django.conf import settings

from dispatch.tiktok.sandbox import Sandbox
from tests.databases import at_home_in, copy_of, url_of_database
from tests.faults.hosts import environment_of_host
from tests.faults.servers import MortalRedis
from tests.run import redis_server as find_redis
from trackingsite.environment import BASE_DIR

# Tests of what SQLite can't have: an outage of PostgreSQL, and hosts whose clocks differ.
collect_ignore = ["test_supervisor_postgresql.py", "test_clock_skew.py"] if settings.IS_SQLITE else []


@pytest.fixture(scope="module")
def hosts_database(tables: str, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[str]:
    """The URL of a database for worker hosts. The ORM of the module's tests works on it, too."""
    with django_db_blocker.unblock(), copy_of(tables, tmp_path_factory.mktemp("database")) as url, at_home_in(url):
        yield url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalRedis]:
    """A private Redis, empty for whoever asks first; a test that kills it starts it again."""
    if not find_redis():
        pytest.skip("no redis-server: install Debian's package redis-server")
    with MortalRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def tiktok() -> Iterator[Sandbox]:
    """A stand-in for TikTok that takes any token, for all tests of a module."""
    with Sandbox.running(accept_any_token=True) as running:
        yield running


@pytest.fixture
def sandbox(settings: Any) -> Iterator[Sandbox]:
    """A stand-in for TikTok for one test, which this process's own sender talks to as well; it takes any token."""
    with Sandbox.running(accept_any_token=True) as running:
        settings.TIKTOK_API_URL = running.url
        settings.TIKTOK_DEADLINE_SECONDS = 1.0
        yield running


@pytest.fixture
def lone_sender(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., psutil.Popen]]:
    """Starts a process of `lone_sender.py`, with its arguments, on the database of this test's ORM."""
    env = environment_of_host(tmp_path, url_of_database()) | {"TIKTOK_API_URL": sandbox.url}
    started: list[psutil.Popen] = []

    def start(*arguments: str) -> psutil.Popen:
        command = [sys.executable, "-m", "tests.faults.lone_sender", *arguments]
        started.append(psutil.Popen(command, cwd=BASE_DIR, env=env, stdin=PIPE, stdout=PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        if process.is_running():
            process.kill()
        process.communicate()
