"""The sandbox's memory: one small SQLite file, one connection, one lock."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY, received_at REAL, method TEXT, path TEXT, status INTEGER, code INTEGER,
    message TEXT, size INTEGER, token_last4 TEXT, pixel_code TEXT, request_id TEXT, mode TEXT, events INTEGER
);
-- One row for what TikTok counts once, whatever number of copies arrived.
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, pixel_code TEXT, event TEXT, event_id TEXT, test INTEGER,
    first_at REAL, last_at REAL, legs TEXT
);
CREATE INDEX IF NOT EXISTS event_key ON event (event_id, event, pixel_code);
CREATE TABLE IF NOT EXISTS copy (
    id INTEGER PRIMARY KEY, event_row INTEGER REFERENCES event, request_row INTEGER REFERENCES request,
    received_at REAL, leg TEXT, verdict TEXT, test TEXT, event TEXT, event_id TEXT, pixel_code TEXT,
    payload TEXT, warnings TEXT
);
CREATE INDEX IF NOT EXISTS copy_event ON copy (event_row);
CREATE INDEX IF NOT EXISTS copy_event_id ON copy (event_id);
CREATE TABLE IF NOT EXISTS token (
    id INTEGER PRIMARY KEY, digest TEXT UNIQUE, last4 TEXT, state TEXT
);
CREATE TABLE IF NOT EXISTS token_pixel (
    token INTEGER REFERENCES token, pixel_code TEXT, PRIMARY KEY (token, pixel_code)
);
"""


class Database:
    """Threads share the connection; every statement runs under the lock."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # A sandbox may lose its last second in a power cut; it may not be slow.
        self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, values)]

    def close(self) -> None:
        with self._lock:
            self._connection.close()
