"""The whole site as `make run` starts it, on the benchmark's own database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.postgresql import free_port
from trackingsite.environment import BASE_DIR
from trackingsite.supervision.ports import answers

START_SECONDS = 90


class Installation:
    """`port` is the web's."""

    def __init__(self, tiktok: str) -> None:
        self.port = free_port()
        own = {"WEB_PORT": str(self.port), "TIKTOK_API_URL": tiktok, "PUBLIC_BASE_URL": f"http://127.0.0.1:{self.port}"}
        del_settings = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
        self.process = psutil.Popen(
            [sys.executable, "manage.py", "quickstart"],
            cwd=BASE_DIR,
            env=del_settings | own,
            stdout=subprocess.DEVNULL,
        )

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Every process, by what it belongs to: web, workers, and quickstart itself."""
        found: dict[str, list[psutil.Process]] = {"quickstart": [psutil.Process(self.process.pid)]}
        for child in self.process.children():
            command = " ".join(child.cmdline())
            name = "web" if "web_server" in command else "workers" if "run_workers" in command else "other"
            found.setdefault(name, []).extend([child, *child.children(recursive=True)])
        return found

    def worker_megabytes(self) -> float:
        """The resident memory of the largest of the workers' processes."""
        return max(process.memory_info().rss for process in self.processes()["workers"]) / 1e6


@contextmanager
def running(tiktok: str) -> Iterator[Installation]:
    """Up when the block begins, gone when it ends."""
    site = Installation(tiktok)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers("127.0.0.1", site.port, "/healthz"):
            if time.monotonic() > deadline or site.process.poll() is not None:
                raise RuntimeError("the site did not start")
            time.sleep(0.1)
        yield site
    finally:
        site.process.send_signal(signal.SIGTERM)
        site.process.wait(30)
