"""What scripts and pages ask of the sandbox's memory."""

import json
from typing import Any

from dispatch.tiktok.sandbox.database import Database

COLUMNS = "received_at, leg, verdict, test, event, event_id, pixel_code, payload, warnings, event_row"
FILTERS = {"event_id", "event", "pixel_code", "leg"}


def copies(database: Database, *, limit: int = 0, **wanted: str) -> list[dict[str, Any]]:
    """Every copy of every event that fits, oldest first; with a limit, the newest of them."""
    given = {name: value for name, value in wanted.items() if value}
    if not given.keys() <= FILTERS:
        raise TypeError(f"events are narrowed by {', '.join(sorted(FILTERS))}")
    where = " AND ".join(["1", *(f"{name} = ?" for name in given)])
    found = database.rows(
        f"SELECT {COLUMNS} FROM copy WHERE {where} ORDER BY id DESC LIMIT ?",  # noqa: S608 (fixed names)
        *given.values(),
        limit or -1,
    )
    return [read_copy(row) for row in reversed(found)]


def read_copy(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"payload": json.loads(row["payload"]), "warnings": json.loads(row["warnings"])}


def requests(database: Database, limit: int = 0) -> list[dict[str, Any]]:
    """Calls to the Events API, newest first."""
    return database.rows("SELECT * FROM request ORDER BY id DESC LIMIT ?", limit or -1)


def summary(database: Database) -> dict[str, Any]:
    """`events` is the number of events that TikTok counts; `verdicts` and `codes` count copies and calls."""
    return {
        "events": database.rows("SELECT count(*) AS n FROM event WHERE NOT test")[0]["n"],
        "verdicts": _counts(database, "SELECT verdict AS name, count(*) AS n FROM copy GROUP BY verdict"),
        "legs": _counts(database, "SELECT leg AS name, count(*) AS n FROM copy GROUP BY leg"),
        "requests": database.rows("SELECT count(*) AS n FROM request")[0]["n"],
        "codes": _counts(database, "SELECT coalesce(code, 'none') AS name, count(*) AS n FROM request GROUP BY code"),
    }


def _counts(database: Database, sql: str) -> dict[str, int]:
    return {str(row["name"]): row["n"] for row in database.rows(sql)}


def clear(database: Database) -> None:
    """Forget what arrived; tokens stay, so that a sender need not be set up again."""
    with database.transaction() as connection:
        for table in ("copy", "event", "request"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 (fixed names)
