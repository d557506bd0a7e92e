"""A disk of a few megabytes, in a mount namespace of its own, that a test can fill and free."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from trackingsite.environment import BASE_DIR
from trackingsite.supervision.child import end_with_parent

HOLD = 'mount -t tmpfs -o size="$2",mode=1777 tmpfs "$1" && echo mounted && exec sleep infinity'
POSTGRESQL = """
import sys
from tests.postgresql import private_cluster
with private_cluster(durable=True) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class SmallDisk:
    """The disk. What `start` starts sees it at `path`, everybody else at `folder`."""

    def __init__(self, path: Path, megabytes: int) -> None:
        self.path = path
        command = ["unshare", "--mount", "sh", "-c", HOLD, "sh", str(path), f"{megabytes}m"]
        self.holder = process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout is None or self.holder.stdout.readline() != "mounted\n":
            pytest.skip(f"no disk can be mounted here: {self.holder.communicate()[1].strip()}")
        self.folder = Path(f"/proc/{self.holder.pid}/root{path}")

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Run a command that sees the disk."""
        enter = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt", f"--wd={BASE_DIR}"]
        return process([*enter, *command], **options)

    def fill(self) -> None:
        """Leave not one byte."""
        disk = os.statvfs(self.folder)
        with (self.folder / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, disk.f_bavail * disk.f_frsize)
        assert os.statvfs(self.folder).f_bavail == 0

    def free(self) -> None:
        (self.folder / "ballast").unlink()


def process(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """A process that ends with this one."""
    return subprocess.Popen(command, preexec_fn=end_with_parent(os.getpid()), **options)


@contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    if not shutil.which("unshare"):
        pytest.skip("no disk can be mounted here: there is no unshare")
    path = Path(tempfile.mkdtemp(prefix="trackingsite-disk-"))
    path.chmod(0o755)  # PostgreSQL runs as somebody else
    disk = SmallDisk(path, megabytes)
    try:
        yield disk
    finally:
        end(disk.holder)
        path.rmdir()


@contextmanager
def postgresql_on(disk: SmallDisk) -> Iterator[str]:
    """The URL of a PostgreSQL with all its files on the disk."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    server = disk.start([sys.executable, "-c", POSTGRESQL], env=os.environ | {"TMPDIR": str(disk.path)}, **pipes)
    try:
        yield server.stdout.readline().decode().strip()  # type: ignore[union-attr]
    finally:
        server.communicate(timeout=60)


def copied(database: Path, folder: Path) -> Path:
    """SQLite's file with its log where this process can open it; nobody may be writing."""
    for file in database.parent.glob(f"{database.name}*"):
        shutil.copy(file, folder)
    return folder / database.name


def end(running: subprocess.Popen[Any]) -> None:
    running.terminate()
    running.communicate(timeout=30)
