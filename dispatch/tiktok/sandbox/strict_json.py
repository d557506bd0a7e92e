"""JSON as the contract wants it: no duplicate keys, no NaN, no half characters."""

import json
from typing import Never

from dispatch.tiktok.sandbox.refusal import bad


def read_json(body: bytes) -> object:
    try:
        value: object = json.loads(body.decode(), object_pairs_hook=_unique_keys, parse_constant=_no_constant)
        if b"\\u" in body:
            _require_whole_characters(value)
    except (ValueError, RecursionError) as error:
        raise bad("body", f"not valid JSON: {error}") from error
    return value


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names the same key twice")
    return found


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number")


def _require_whole_characters(value: object) -> None:
    """A lone surrogate escape is legal JSON, but no UTF-8 text can hold it."""
    json.dumps(value, ensure_ascii=False).encode()
