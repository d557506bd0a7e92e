"""What a child says: to the console and to its log file."""

import os
from collections.abc import Callable
from contextlib import suppress
from logging import INFO, LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

from trackingsite.redaction import redact
from trackingsite.supervision.child import Child

LARGEST_LOG = 5_000_000
OLD_LOGS = 2
LONGEST_LINE = 64 * 1024
MOST_READS = 16
"""So that a child that never stops talking leaves time for the others."""


class Tap:
    """Copies a child's output line by line, without ever waiting for it."""

    def __init__(self, child: Child, logs: Path, write: Callable[[str], None]) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"{child.name}.log"
        self._child = child
        self._write = write
        self._rest = b""
        self._file = RotatingFileHandler(self.log, maxBytes=LARGEST_LOG, backupCount=OLD_LOGS, encoding="utf-8")

    @property
    def is_open(self) -> bool:
        return self._child.stdout is not None and not self._child.stdout.closed

    def fileno(self) -> int:
        """For `select`, while it is open."""
        assert self._child.stdout  # noqa: S101 - callers ask `is_open` first
        return self._child.stdout.fileno()

    def drain(self) -> None:
        """Pass on what has been said so far."""
        if not self.is_open:
            return
        os.set_blocking(self.fileno(), False)
        with suppress(BlockingIOError):
            for _ in range(MOST_READS):
                chunk = os.read(self.fileno(), LONGEST_LINE)
                if not chunk:
                    return self._end_of_output()
                self._pass_on(chunk)

    def close(self) -> None:
        self.drain()
        self._end_of_output()
        self._file.close()  # opens again with the next line

    def _end_of_output(self) -> None:
        if self._child.stdout:
            self._child.stdout.close()
        self._pass_on(b"\n" if self._rest else b"")

    def _pass_on(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) >= LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._tell(redact(line.decode(errors="replace").rstrip()))

    def _tell(self, line: str) -> None:
        self._write(f"{self._child.name:<8}| {line}")
        self._file.emit(LogRecord(self._child.name, INFO, "", 0, line, None, None))
