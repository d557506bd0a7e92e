"""Events as a person wants to see them: both legs side by side, and whether they agree."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dispatch.tiktok.sandbox.database import Database
from dispatch.tiktok.sandbox.queries import COLUMNS, read_copy

MOST = 100
BRIEF = 80
COMPARED = (
    *("value", "currency", "contents", "content_ids", "content_type"),
    *("description", "search_string", "order_id", "num_items"),
)

_LEGS = {
    "both": "legs LIKE '% %'",
    "server": "legs = 'server'",
    "browser": "legs = 'browser'",
    "test": "test",
}


@dataclass(frozen=True)
class Sight:
    """One event that TikTok counts, with the first copy of each leg."""

    row: dict[str, Any]
    copies: list[dict[str, Any]]
    other_names: list[str]

    def first(self, leg: str) -> dict[str, Any] | None:
        return next((copy for copy in self.copies if copy["leg"] == leg), None)

    @property
    def has_both_legs(self) -> bool:
        return " " in self.row["legs"]

    @property
    def verdict(self) -> str:
        """`merged` or `deduplicated` if both legs came, and which leg came alone otherwise."""
        if self.row["test"]:
            return "test"
        if not self.has_both_legs:
            return f"{self.row['legs']} only"
        return str(self._in_order()[1]["verdict"])

    @property
    def disagreements(self) -> list[str]:
        """What the legs say differently; TikTok keeps what came first."""
        found = [f"the other leg calls it {name}" for name in self.other_names]
        if self.has_both_legs:
            found += filter(None, [*map(self._compare, COMPARED), self._compare_limit()])
        return found

    def _in_order(self) -> list[dict[str, Any]]:
        """The first copy of each leg, as they came."""
        return [copy for leg in self.row["legs"].split() if (copy := self.first(leg))]

    def _compare(self, name: str) -> str:
        first, second = self._in_order()
        kept, other = _property(first, name), _property(second, name)
        if None not in (kept, other) and kept != other:
            return self._differs(name, kept, other)
        if kept is None and other is not None and second["verdict"] == "deduplicated":
            return f"{name} {_brief(other)} came too late, TikTok has dropped it"
        return ""

    def _compare_limit(self) -> str:
        """Limited data use: a copy without the mark speaks for unlimited use, so a gap contradicts too."""
        kept, other = (copy["payload"].get("limited_data_use", False) for copy in self._in_order())
        return "" if kept == other else self._differs("limited_data_use", kept, other)

    def _differs(self, name: str, kept: Any, other: Any) -> str:
        first, second = (copy["leg"] for copy in self._in_order())
        return f"{name} differs: {first} {_brief(kept)}, {second} {_brief(other)}"

    @property
    def warnings(self) -> list[str]:
        return list(dict.fromkeys(warning for copy in self.copies for warning in copy["warnings"]))


def _brief(value: Any) -> str:
    """Few enough words for a line of the list; the event's own page has all of it."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words if len(words) <= BRIEF else f"{words[:BRIEF]}…"


def _property(copy: dict[str, Any], name: str) -> Any:
    properties = copy["payload"].get("properties", {})
    return properties.get(name) if isinstance(properties, dict) else None


def sights(
    database: Database, *, q: str = "", pixel_code: str = "", leg: str = "", pageviews: bool = True
) -> list[Sight]:
    """The latest events, at most a hundred; `q` is looked for in the event_id and the name."""
    wanted = [
        (bool(q), "(instr(lower(event_id), lower(?)) OR instr(lower(event), lower(?)))", [q, q]),
        (bool(pixel_code), "pixel_code = ?", [pixel_code]),
        (leg in _LEGS, _LEGS.get(leg, ""), []),
        (not pageviews, "event <> 'Pageview'", []),
    ]
    return _read(database, [(sql, values) for is_wanted, sql, values in wanted if is_wanted])


def sights_of(database: Database, event_id: str) -> list[Sight]:
    return _read(database, [("event_id = ?", [event_id])])


def _read(database: Database, conditions: list[tuple[str, list[str]]]) -> list[Sight]:
    where = " AND ".join(["1", *(sql for sql, _ in conditions)])
    values = [value for _, found in conditions for value in found]
    sql = f"SELECT * FROM event WHERE {where} ORDER BY last_at DESC, id DESC LIMIT {MOST}"  # noqa: S608 (ours)
    rows = database.rows(sql, *values)
    copies = _copies(database, [row["id"] for row in rows])
    names = _names(database, {row["event_id"] for row in rows if row["event_id"]})
    return [
        Sight(row, [copy for copy in copies if copy["event_row"] == row["id"]], _others(row, names)) for row in rows
    ]


def _copies(database: Database, event_rows: list[int]) -> list[dict[str, Any]]:
    sql = f"SELECT {COLUMNS} FROM copy WHERE event_row IN (SELECT value FROM json_each(?)) ORDER BY id"  # noqa: S608
    return [read_copy(row) for row in database.rows(sql, json.dumps(event_rows))]


def _names(database: Database, event_ids: Iterable[str]) -> list[dict[str, Any]]:
    return database.rows(
        "SELECT DISTINCT pixel_code, event_id, event, legs FROM event"
        " WHERE event_id IN (SELECT value FROM json_each(?)) AND NOT test",
        json.dumps(list(event_ids)),
    )


def _others(row: dict[str, Any], names: list[dict[str, Any]]) -> list[str]:
    """Names under which the leg that is missing here reported the same event_id."""
    missing = {"server", "browser"} - set(row["legs"].split())
    return [
        other["event"]
        for other in names
        if (other["event_id"], other["pixel_code"]) == (row["event_id"], row["pixel_code"])
        and other["event"] != row["event"]
        and missing & set(other["legs"].split())
    ]


def pixel_codes(database: Database) -> list[str]:
    return [row["pixel_code"] for row in database.rows("SELECT DISTINCT pixel_code FROM event ORDER BY 1")]


def kept(sight: Sight) -> dict[str, Any]:
    """What TikTok has in the end: the first copy, its gaps filled by the merged one."""
    result: dict[str, Any] = {}
    for copy in sight.copies:
        if copy["verdict"] in ("counted", "merged", "test"):
            result = _fill_gaps(result, copy["payload"])
    return result


def _fill_gaps(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    both = {**second, **first}
    for name in first.keys() & second.keys():
        if isinstance(first[name], dict) and isinstance(second[name], dict):
            both[name] = _fill_gaps(first[name], second[name])
    return both
