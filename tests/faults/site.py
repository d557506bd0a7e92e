"""A whole site as real processes: web and workers, each started again when it ends, as a service manager would."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.faults.hosts import Host, alive, environment_of_host, family_of, wait_for
from tests.postgresql import free_port
from trackingsite.environment import BASE_DIR
from trackingsite.management.commands.quickstart import web_command
from trackingsite.supervision.ports import answers

BOUND_TO_TESTS = """
import os, sys
from trackingsite.supervision import end_with
end_with(int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Site:
    """Web on `port`, and a host of workers; `more` are settings of both."""

    def __init__(self, folder: Path, url: str, **more: str) -> None:
        self.folder, self.url, self.more = folder, url, more
        self.port = free_port()
        self.web_log = folder / "web.log"
        self.hosts = [self._new_host()]
        self.web = self._new_web()

    @property
    def host(self) -> Host:
        return self.hosts[-1]

    @property
    def said(self) -> str:
        """The end of what its processes have said."""
        return "\n".join(["web:", self.web_log.read_text()[-3000:], "workers:", self.host.said[-5000:]])

    def is_up(self) -> bool:
        return answers("127.0.0.1", self.port, "/healthz")

    def is_whole(self, workers: int) -> bool:
        """Whether the web answers, and the supervisor has all processes of a cluster."""
        return self.is_up() and len(self.host.family) == workers + 4

    def tend(self) -> None:
        """Start again what has ended."""
        if self.host.process.poll() is not None:
            self.hosts.append(self._new_host())
        if self.web.poll() is not None:
            self.web = self._new_web()

    def web_workers(self) -> list[psutil.Process]:
        return family_of(self.web)

    def end(self) -> list[psutil.Process]:
        """Ask everything to end. Returns what had to be killed afterwards."""
        family = [self.web, self.host.process, *family_of(self.web), *self.host.family]
        for process in alive([self.web, self.host.process]):
            process.send_signal(signal.SIGTERM)
        psutil.wait_procs(family, timeout=15)
        left = alive(family)
        for process in left:
            process.kill()
        return left

    def _new_host(self) -> Host:
        return Host(self.folder / "host", self.url, **self.more)

    def _new_web(self) -> psutil.Popen:
        command = [sys.executable, "-c", BOUND_TO_TESTS, str(os.getpid()), *web_command("127.0.0.1", self.port)]
        env = environment_of_host(self.folder / "host" / "state", self.url) | self.more
        with self.web_log.open("ab") as output:
            return psutil.Popen(command, cwd=BASE_DIR, env=env, stdout=output, stderr=output, stdin=subprocess.DEVNULL)


@contextmanager
def site(folder: Path, url: str, workers: int = 2, **more: str) -> Iterator[Site]:
    """A site that is up when the block begins, and gone with all its processes when it ends."""
    running = Site(folder, url, WORKERS=str(workers), **more)
    try:
        wait_for(running.is_up, lambda: running.said)
        wait_for(lambda: running.is_whole(workers), lambda: running.said)
        yield running
    finally:
        left = running.end()
    assert not left, f"these did not end when asked: {left}"


class Visitor:
    """One kept connection to the site. `ask` returns the status of the answer, 0 when there was none."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> int:
        headers = {"Content-Type": content_type} if content_type else {}
        try:
            self._connection.request(method, path, body or None, headers)
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            self.leave()
            return 0
        return response.status

    def leave(self) -> None:
        self._connection.close()
