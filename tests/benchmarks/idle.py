"""What a running quickstart costs while nothing happens: `python -m tests.benchmarks.idle [seconds]`.

CPU time of every process as a share of one core, on SQLite and on PostgreSQL, with the total against the limit. The
sandbox and PostgreSQL's own processes are shown and not counted: neither is ours in production.
"""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.benchmarks.__main__ import database
from tests.postgresql import free_port
from tests.run import environment
from trackingsite.environment import BASE_DIR

SECONDS = 60.0
SETTLED_AFTER = 15.0
LIMIT = 2.0
"""Per cent of one core, for quickstart, web and workers together."""
NAMES = {"quickstart": "quickstart", "web_server": "web", "run_workers": "supervisor", "tiktok_sandbox": "(sandbox)"}
CLUSTER = ["cluster", "sentinel", "worker", "worker", "monitor", "pusher"]


def main(seconds: float) -> int:
    totals = [measure(name, seconds) for name in ("SQLite", "PostgreSQL")]
    return int(any(total > LIMIT for total in totals))


def measure(name: str, seconds: float) -> float:
    """Run a site on this database, let it settle, and print what it costs."""
    with (
        tempfile.TemporaryDirectory(prefix="trackingsite-idle-", ignore_cleanup_errors=True) as folder,
        database(name, Path(folder)) as url,
        quickstart(Path(folder), url) as site,
    ):
        time.sleep(SETTLED_AFTER)
        before = spent([site, *servers(site)])
        time.sleep(seconds)
        after = spent([site, *servers(site)])
    shares = {who: 100 * (after[who] - before.get(who, 0)) / seconds for who in after}
    total = sum(share for (label, _), share in shares.items() if not label.startswith("("))
    print(f"\n== {name}: {seconds:g} s at rest, % of one core ==")
    for (label, pid), share in shares.items():
        print(f"{label:<12} {pid:>8} {share:>6.2f}")
    print(f"{'total':<21} {total:>6.2f}   {total / LIMIT:.2f} of the limit of {LIMIT:g} %", flush=True)
    return total


@contextmanager
def quickstart(folder: Path, url: str) -> Iterator[psutil.Process]:
    """A site that is ready."""
    env = environment(folder / "state", url) | {"WEB_PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    command = [sys.executable, "manage.py", "quickstart"]
    with (folder / "said").open("wb") as said:
        site = psutil.Popen(command, cwd=BASE_DIR, env=env, stdout=said, stderr=subprocess.STDOUT)
    try:
        while "Try next" not in (folder / "said").read_text():
            if site.poll() is not None:
                sys.exit((folder / "said").read_text())
            time.sleep(0.1)
        yield site
    finally:
        site.send_signal(signal.SIGTERM)
        site.wait(30)


def servers(site: psutil.Process) -> list[psutil.Process]:
    """PostgreSQL's processes, where this benchmark has started one."""
    mine = psutil.Process().children(recursive=True)
    return [process for process in mine if process.name().startswith("postgres")]


def spent(roots: list[psutil.Process]) -> dict[tuple[str, int], float]:
    """CPU seconds of every process by label and number, oldest first."""
    family = {process.pid: process for root in roots for process in [root, *root.children(recursive=True)]}
    labels = iter(CLUSTER)
    found = {}
    for process in sorted(family.values(), key=lambda process: (process.create_time(), process.pid)):
        times = process.cpu_times()
        found[label(process, labels), process.pid] = times.user + times.system
    return found


def label(process: psutil.Process, cluster: Iterator[str]) -> str:
    command = process.cmdline()
    if "worker_cluster" in command:
        return next(cluster, "worker")
    if process.name().startswith("postgres"):
        return "(postgres)"
    return next((name for word, name in NAMES.items() if word in command), process.name())


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
