"""The whole suite on every database at once, then a table; what `make test` runs. Arguments go on to pytest.

In a whole run a test that can't use a database runs once instead of twice.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.postgresql import NoPostgreSQLError, private_cluster

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
HEADLESS = "chromium-headless-shell"
STRICT = "--nothing-skipped"
APART = ["tests/faults", "tests/e2e", "tests/trackingsite"]
"""Tests that mostly wait: for processes and for browsers."""
WITH_DATABASE_ONLY = "--with-database-only"
"""What needs no database is tested once, beside SQLite."""
UNSHRUNK = "unshrunk"
"""How a whole run tells of what hypothesis finds: at once. Making it short takes minutes; the test alone does it."""
SECONDS_TO_STOP = 30
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
"""Container images set it; then each of the hundreds of processes of a run would compile the whole project again."""


@dataclass
class Result:
    """What became of one suite."""

    suite: str
    passed: int = 0
    failed: int = 0
    seconds: float = 0
    skipped: list[str] = field(default_factory=list)
    """One entry a test: the reason."""


def main(arguments: list[str]) -> int:
    strict = STRICT in arguments or os.environ.get("CI", "").lower() == "true"
    arguments = [argument for argument in arguments if argument != STRICT]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        say(f"Python {sys.version.split()[0]}")
        say(f"Browser: {browser() or install('chromium', browser)}")
        say(f"Browser without windows: {windowless_browser() or install(HEADLESS, windowless_browser)}")
        say(f"Redis: {redis_server() or install('redis-server', redis_server)}")
        results = run_all(suites(arguments))
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    return report(results, strict)


@dataclass(frozen=True)
class Suite:
    """What one pytest runs, and on which database."""

    name: str
    database: AbstractContextManager[str]
    arguments: list[str]


def suites(arguments: list[str]) -> list[Suite]:
    """Each database's tests. In a whole run those that mostly wait go beside the others."""
    given = os.environ.get("TEST_DATABASE_URL")
    if arguments or given:
        server = nullcontext(given) if given else private_cluster()
        return [Suite("SQLite", nullcontext(""), arguments), Suite("PostgreSQL", server, arguments)]
    profile = f"--hypothesis-profile={UNSHRUNK}"
    others, apart = [*(f"--ignore={folder}" for folder in APART), profile], [*APART, profile]
    return [
        Suite("SQLite", nullcontext(""), others),
        Suite("PostgreSQL", private_cluster(), [*others, WITH_DATABASE_ONLY]),
        Suite("SQLite, apart", nullcontext(""), apart),
        Suite("PostgreSQL, apart", private_cluster(), [*apart, WITH_DATABASE_ONLY]),
    ]


def run_all(suites: list[Suite]) -> list[Result]:
    """Run the suites at the same time; the first one shows its output live, the others afterwards."""
    results, running = [], []
    with ExitStack() as stack:
        for suite in suites:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trackingsite-tests-")))
            try:
                url = stack.enter_context(suite.database)
            except NoPostgreSQLError as reason:
                results.append(Result(suite.name, skipped=[f"no PostgreSQL: {reason}"]))
            else:
                run = Run(suite.name, url, folder, suite.arguments, is_live=not running)
                running.append(stack.enter_context(run))
        return [*(run.result() for run in running), *results]


class Run:
    """pytest on one database, in a process of its own."""

    def __init__(self, suite: str, url: str, folder: Path, arguments: list[str], *, is_live: bool) -> None:
        self.suite, self.record, self.output = suite, folder / "record.xml", folder / "output"
        self.is_live = is_live
        self.started = time.monotonic()
        state = folder / "state"
        state.mkdir()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pytest", f"--junitxml={self.record}", *arguments],
                cwd=ROOT,
                env=environment(state, url or f"sqlite:///{state}/db.sqlite3"),
                stdout=None if is_live else output,
                stderr=None if is_live else output,
            )

    def __enter__(self) -> "Run":
        if self.is_live:
            say(f"\n== {self.suite} ==")
        return self

    def __exit__(self, *error: object) -> None:
        """Let pytest end its tests and what they started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def result(self) -> Result:
        """What it came to, once it has ended."""
        status = self.process.wait()
        if not self.is_live:
            say(f"\n== {self.suite} ==\n{self.output.read_text(errors='replace')}")
        result = read(self.suite, self.record)
        result.seconds = time.monotonic() - self.started
        if status != 0 and not result.failed:
            say(f"pytest ended with exit code {status}.")
            result.failed = 1
        return result


def environment(state: Path, url: str) -> dict[str, str]:
    """The machine's environment without this project's settings, which tests choose for themselves."""
    ours = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    kept = {name: value for name, value in os.environ.items() if name not in {*ours, NO_BYTECODE}}
    return kept | {"ENV_FILE": "", "STATE_DIR": str(state), "DATABASE_URL": url}


def read(suite: str, record: Path) -> Result:
    """Count what pytest wrote down."""
    result = Result(suite)
    if not record.exists():
        return result
    for case in ET.parse(record).iter("testcase"):
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif skipped is not None:
            result.skipped.append(skipped.get("message") or "no reason given")
        else:
            result.passed += 1
    return result


def report(results: list[Result], strict: bool) -> int:
    """Print the table, the reasons, and one plain line at the very end. Returns the exit code."""
    say(f"\n{'suite':<20}{'passed':>8}{'failed':>8}{'skipped':>8}{'seconds':>9}")
    for result in results:
        numbers = f"{result.passed:>8}{result.failed:>8}{len(result.skipped):>8}{result.seconds:>9.1f}"
        say(f"{result.suite:<20}{numbers}")
    for result in results:
        for reason, count in Counter(result.skipped).items():
            say(f"skipped on {result.suite}, {count} x: {reason}")
    passed, failed = sum(result.passed for result in results), sum(result.failed for result in results)
    skipped = sum(len(result.skipped) for result in results)
    if strict and skipped:
        say(f"Nothing may be skipped here, but {skipped} were.")
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed or (strict and skipped) else 0


def browser() -> str:
    """Where Chromium is; empty when it is missing."""
    given = os.environ.get("CHROMIUM") or ""
    return given or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), "")


def windowless_browser() -> str:
    """The same Chromium without its windows, in which a page costs a sixth of the CPU; empty when it is missing."""
    return os.environ.get("CHROMIUM") or shutil.which(HEADLESS) or ""


def redis_server() -> str:
    """Where Redis is; empty when it is missing."""
    return shutil.which("redis-server") or ""


def install(package: str, find: Callable[[], str]) -> str:
    """Install one of Debian's packages where that may be done. Returns where it is now, or why there is none."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "none (only root on Debian can install it from here)"
    say(f"Installing {package} from Debian's packages, once; this takes a minute …")
    quiet: dict[str, Any] = {
        "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        "capture_output": True,
    }
    subprocess.run(["apt-get", "-qq", "update"], **quiet)
    done = subprocess.run(["apt-get", "-qq", "-y", "--no-install-recommends", "install", package], **quiet)
    words = done.stderr.decode(errors="replace").strip().splitlines()
    return find() or f"none (apt-get: {words[-1] if words else done.returncode})"


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
