"""What machines ask every few seconds is read by one thread at a time, and no longer than it may take."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from django.db import connection, transaction

KEEP_SECONDS = 10.0
PATIENCE_SECONDS = 3.0  # a probe is given up soon, and whoever hangs with it has a thread of the site
STALE_SECONDS = 60.0
STATEMENT_SECONDS = 5.0

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """What costs something to read, kept in this process for a while; one thread reads it for all who ask meanwhile.

    While that thread hangs, the others are told what was read last; `unknown` if that is too old.
    """

    def __init__(
        self,
        read: Callable[[], Value],
        unknown: Value,
        keep_seconds: float = KEEP_SECONDS,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self.read = read
        self._unknown = unknown
        self._value = unknown
        self._keep_seconds = keep_seconds
        self._stale_seconds = stale_seconds
        self._lock = threading.Lock()
        self._begun_at: float | None = None
        self._read_at: float | None = None

    def get(self) -> Value:
        if not self._lock.acquire(timeout=self._patience()):
            return self._value if self._is_younger_than(self._stale_seconds) else self._unknown
        try:
            self._begun_at = time.monotonic()
            if not self._is_younger_than(self._keep_seconds):
                self._value = self.read()
                self._read_at = time.monotonic()
            return self._value
        finally:
            self._begun_at = None
            self._lock.release()

    def forget(self) -> None:
        """Read anew when somebody asks next."""
        self._read_at = None

    def _patience(self) -> float:
        """For how much longer the thread that reads now, if there is one, is waited for."""
        begun_at = self._begun_at
        return PATIENCE_SECONDS if begun_at is None else max(0.0, begun_at + PATIENCE_SECONDS - time.monotonic())

    def _is_younger_than(self, seconds: float) -> bool:
        return self._read_at is not None and time.monotonic() - self._read_at < seconds


@contextmanager
def in_time() -> Iterator[None]:
    """Give up what PostgreSQL does not answer soon, as a query that waits for a lock. Raises OperationalError.

    SQLite keeps no reader waiting.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS * 1000:.0f}"])
        yield
