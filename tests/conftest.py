"""What tests share: no way out of this machine, a browser, and surroundings for processes of our own."""

import gc
import ipaddress
import math
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.test import RequestFactory, SimpleTestCase, TransactionTestCase
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, sync_playwright

from conversions import clock, configuration
from conversions.erased import emptiness
from conversions.wake import Waker
from tests.databases import copy_of, create_database, drop_database, url_of_database
from tests.run import UNSHRUNK, WITH_DATABASE_ONLY, environment, windowless_browser
from tests.run import browser as find_chromium

BROWSER = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Mobile"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Without a window it would say that it is no visitor's.
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141 Safari/537.36",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]

TIMES_TO_EMPTY = 5
USING_DATABASE = {"db", "transactional_db", "django_db_setup", "live_server", "own_database"}
FAULTS = Path(__file__).parent / "faults"  # where processes choose their databases by themselves

hypothesis_settings.register_profile(
    UNSHRUNK, phases=[phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
)


class OutsideConnectionError(RuntimeError):
    """A test tried to leave this machine. Not an OSError: no code may take it for an outage."""


@pytest.fixture(scope="session", autouse=True)
def _no_way_out() -> Iterator[None]:
    real_connect, real_getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            raise OutsideConnectionError(f"Tests may not connect to {address[0]}.")
        real_connect(self, address)

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if not is_local(name):
            raise OutsideConnectionError(f"Tests may not look {name} up.")
        return real_getaddrinfo(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def is_local(host: str) -> bool:
    """Whether it is this machine. Nothing is looked up."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("localhost", "")
    return address.is_loopback or address.is_unspecified


@pytest.fixture(scope="session", autouse=True)
def _tables_are_emptied_when_nobody_uses_them() -> Iterator[None]:
    """A page's last request and a thread's last query may outlive their test; TRUNCATE and they would deadlock."""
    real = TransactionTestCase._fixture_teardown

    def empty(case: TransactionTestCase) -> None:
        for _ in range(TIMES_TO_EMPTY - 1):
            wait_until_quiet()
            try:
                return real(case)
            except CommandError:  # somebody came after all: a page that is closing sends several requests
                continue
        return real(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


AT_WORK = """
SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
AND state IN ('active', 'idle in transaction')
"""


def wait_until_quiet() -> None:
    deadline = time.monotonic() + 5
    while not settings.IS_SQLITE and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(AT_WORK)
            if cursor.fetchone() is None:
                return
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _nobody_is_woken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No wake-up threads, which would outlive their test; tests call the tasks themselves."""
    if request.node.get_closest_marker("wakes") is None:
        monkeypatch.setattr(Waker, "start", lambda waker: None)


@pytest.fixture(autouse=True)
def _a_browser_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What names no browser is a bot; a test that is about that sends a User-Agent of its own."""
    real = RequestFactory._base_environ
    monkeypatch.setattr(
        RequestFactory, "_base_environ", lambda self, **own: {"HTTP_USER_AGENT": BROWSER, **real(self, **own)}
    )


@pytest.fixture(autouse=True)
def _configuration_is_read_anew() -> None:
    configuration.forget()
    emptiness.forget()


@pytest.fixture(autouse=True)
def _clocks_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or every few seconds a test would ask PostgreSQL for the time, and count one query more than it did before."""
    monkeypatch.setattr(clock, "last", clock.Comparison(seen_at=math.inf))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, one for all tests; a test takes `browser.new_context()` for itself."""
    path = windowless_browser() or find_chromium()
    if not path:
        pytest.skip("no Chromium: install Debian's package chromium, or name one in CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, next to which Django refuses its ORM.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a whole run asks of every database but the first."""
    parser.addoption(WITH_DATABASE_ONLY, action="store_true", help="leave out what would run the same on any database")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright's event loop would be in the way of every test after them."""
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))
    if config.getoption(WITH_DATABASE_ONLY):
        others = [item for item in items if not may_use_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if may_use_database(item)]


def pytest_collection_finish() -> None:
    """What is imported by now stays to the end; to look for garbage in it again and again took a twentieth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def may_use_database(item: pytest.Item) -> bool:
    """Whether pytest-django lets it use the run's database, or a process of its own may; any other test can't."""
    is_django = issubclass(getattr(item, "cls", None) or object, SimpleTestCase)
    is_marked = item.get_closest_marker("django_db") is not None
    fixtures = USING_DATABASE & set(getattr(item, "fixturenames", ()))
    return is_django or is_marked or bool(fixtures) or item.path.is_relative_to(FAULTS)


@pytest.fixture
def surroundings(tmp_path: Path, own_database: str) -> dict[str, str]:
    """The environment for a process of ours: a state folder and an empty database, else all defaults."""
    env = environment(tmp_path / "state", own_database)
    del env["DJANGO_SETTINGS_MODULE"]
    return env


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the kind that this run is about."""
    if settings.IS_SQLITE:
        yield f"sqlite:///{tmp_path}/own.sqlite3"
        return
    url, name = create_database("")
    yield url
    drop_database(name)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The tests' database as ever; and the URL of a copy of it, made before any test has emptied its tables."""
    connection.close()
    with copy_of(url_of_database(), tmp_path_factory.mktemp("tables")) as tables:
        yield tables


@pytest.fixture(scope="session")
def tables(django_db_setup: str) -> str:
    """A database as the migrations leave it, of which others are copies."""
    return django_db_setup


@pytest.fixture(autouse=True)
def _turns_have_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn ends when nothing is left, however slow the machine: what it left would settle itself after the test."""
    monkeypatch.setattr("dispatch.sender.TURN_SECONDS", 60.0)
