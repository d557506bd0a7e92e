"""Writing down what arrived, and TikTok's verdict on each copy of an event.

TikTok's key is (event_source_id, event, event_id). The first copy counts and opens a window of 48 hours. A
copy from the *other* leg within 5 minutes is merged into it (it fills gaps); every other copy in the window
is dropped: later ones, and repeats of the same leg [DOC, HELP event-deduplication May 2025].
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dispatch.tiktok.sandbox.database import Database

WINDOW = 48 * 3600
MERGE_WINDOW = 5 * 60


@dataclass(frozen=True)
class Copy:
    """One report of one event by one leg, `server` or `browser`."""

    leg: str
    pixel_code: str
    event: str
    event_id: str
    payload: dict[str, Any]
    test: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    """One request to the Events API and the answer that it got; no status means no answer."""

    method: str
    path: str
    size: int
    token_last4: str
    pixel_code: str
    status: int | None
    code: int | None
    message: str
    request_id: str
    mode: str


def record(database: Database, now: float, call: Call | None, copies: Sequence[Copy]) -> None:
    with database.transaction() as connection:
        request_row = None if call is None else _write_call(connection, now, call, len(copies))
        for copy in copies:
            _write_copy(connection, now, request_row, copy)


def _insert(connection: sqlite3.Connection, table: str, values: dict[str, Any]) -> int | None:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 (the names are this module's own)
    return connection.execute(sql, list(values.values())).lastrowid


def _write_call(connection: sqlite3.Connection, now: float, call: Call, events: int) -> int | None:
    return _insert(connection, "request", {**vars(call), "received_at": now, "events": events})


def _write_copy(connection: sqlite3.Connection, now: float, request_row: int | None, copy: Copy) -> None:
    event_row, verdict = _join_event(connection, now, copy)
    values = {
        **vars(copy),
        "payload": json.dumps(copy.payload),
        "warnings": json.dumps(copy.warnings),
        "event_row": event_row,
        "request_row": request_row,
        "received_at": now,
        "verdict": verdict,
    }
    _insert(connection, "copy", values)


def _join_event(connection: sqlite3.Connection, now: float, copy: Copy) -> tuple[int | None, str]:
    """The row this copy belongs to, and `counted`, `merged`, `deduplicated` or `test`."""
    first = _first_copy(connection, now, copy)
    if first is None:
        return _open_event(connection, now, copy), "test" if copy.test else "counted"

    is_other_leg = copy.leg not in first["legs"]
    legs = f"{first['legs']} {copy.leg}" if is_other_leg else first["legs"]
    connection.execute("UPDATE event SET last_at = ?, legs = ? WHERE id = ?", (now, legs, first["id"]))
    return first["id"], _verdict(copy, is_other_leg, now - first["first_at"])


def _verdict(copy: Copy, is_other_leg: bool, age: float) -> str:
    if copy.test:
        return "test"
    return "merged" if is_other_leg and age <= MERGE_WINDOW else "deduplicated"


def _first_copy(connection: sqlite3.Connection, now: float, copy: Copy) -> sqlite3.Row | None:
    """The window's event that this copy repeats. Without an event_id there is nothing to compare."""
    if not copy.event_id:
        return None
    found: sqlite3.Row | None = connection.execute(
        "SELECT id, first_at, legs FROM event WHERE event_id = ? AND event = ? AND pixel_code = ?"
        " AND test = ? AND first_at > ? ORDER BY id DESC LIMIT 1",
        (copy.event_id, copy.event, copy.pixel_code, bool(copy.test), now - WINDOW),
    ).fetchone()
    return found


def _open_event(connection: sqlite3.Connection, now: float, copy: Copy) -> int | None:
    values = {"pixel_code": copy.pixel_code, "event": copy.event, "event_id": copy.event_id}
    times = {"first_at": now, "last_at": now}
    return _insert(connection, "event", values | times | {"test": bool(copy.test), "legs": copy.leg})
