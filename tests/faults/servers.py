"""Servers that tests may kill and start again, with what they have kept."""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from tests.postgresql import free_port, give_away, start_any, wait_until_up
from trackingsite.supervision.child import end_with_parent

START_SECONDS = 15


class MortalServer:
    """A server under way inside a `with` block."""

    command: list[str]
    folder: Path
    rights: dict[str, Any]
    process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it, or start it again, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(os.getpid()),
                **self.rights,
            )
        self.wait_until_up()

    def wait_until_up(self) -> None:
        raise NotImplementedError

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it with this signal, and wait for that."""
        self.process.send_signal(number)
        self.process.wait(START_SECONDS)

    def suspend(self) -> None:
        """Have it hang: it takes connections, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()


class MortalPostgreSQL(MortalServer):
    """A PostgreSQL that keeps what it has committed, however it ends.

    The folder must not be one of pytest's, which are closed to the user that it runs as.
    """

    def __init__(self, folder: Path) -> None:
        self.process, self.url = start_any(folder, durable=True)
        self.command = list(self.process.args)  # type: ignore[arg-type]
        self.folder = max(folder.iterdir())  # that of the installation which worked
        self.rights = give_away(self.folder)

    def wait_until_up(self) -> None:
        wait_until_up(self.process, self.url, self.folder / "log")

    def crash(self) -> None:
        """What `pg_ctl stop -m immediate` does."""
        self.kill(signal.SIGQUIT)


class MortalRedis(MortalServer):
    """A Redis that keeps nothing: its tasks are wake-ups."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self.folder, self.rights = folder, {}
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
        self.command = ["redis-server", "--port", str(port), *options]
        self.start()

    @property
    def client(self) -> redis.Redis:
        return redis.from_url(self.url, socket_timeout=5)

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.client.ping()
            except redis.RedisError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.02)
            else:
                return
