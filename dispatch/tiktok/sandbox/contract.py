"""What `POST /open_api/v1.3/event/track/` accepts, field by field [DOC]."""

import re
from dataclasses import dataclass
from typing import Any

from dispatch.tiktok.sandbox import fields
from dispatch.tiktok.sandbox.refusal import BAD_BATCH_SIZE, BAD_PARTNER, RefusedError, bad
from dispatch.tiktok.sandbox.strict_json import read_json
from offers.vocabulary import RENAMED_EVENTS, StandardEvent

MAX_EVENTS = 1000
MAX_BODY = 1_000_000
"""TikTok documents no size; 1 MB is what a large vendor (Tealium) allows itself."""

OLDEST = 7 * 24 * 3600
NEWEST = 10 * 60
"""TikTok documents no bounds for `event_time`; these are the project's own."""

SOURCES = ("web", "app", "offline", "crm")
STANDARD = frozenset(StandardEvent.values)
CUSTOM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ ]{0,49}")


@dataclass(frozen=True)
class Envelope:
    """The top level of a request; the events in `data` are not looked at yet."""

    pixel_code: str
    test_event_code: str
    data: list[Any]


def read_envelope(body: bytes) -> Envelope:
    if len(body) > MAX_BODY:
        raise bad("body", f"is larger than {MAX_BODY} bytes", len(body))
    found = read_json(body)
    if not isinstance(found, dict):
        raise bad("body", "must be a JSON object")
    if "partner_name" in found:
        raise RefusedError(BAD_PARTNER, "partner_name: is not a partner of TikTok")
    _check_top_level(found)
    return Envelope(found["event_source_id"], found.get("test_event_code", ""), found["data"])


def _check_top_level(found: dict[str, Any]) -> None:
    for name in ("event_source", "event_source_id", "data"):
        if name not in found:
            raise bad(name, "is required")
    for name, value in found.items():
        if name not in _TOP_LEVEL:
            raise bad(name, "is not a known field")
        _TOP_LEVEL[name](value, name, [])


def _event_source(value: object, path: str, warnings: list[str]) -> None:
    fields.one_of(SOURCES)(value, path, warnings)
    if value != "web":
        raise bad(path, "must be web when event_source_id is a pixel code", value)


def _batch(value: object, path: str, warnings: list[str]) -> None:
    """One event more than the limit and TikTok refuses the whole request [DOC]."""
    if not isinstance(value, list):
        raise bad(path, "must be an array, even for one event")
    if not 1 <= len(value) <= MAX_EVENTS:
        raise RefusedError(BAD_BATCH_SIZE, f"data: must hold 1 to {MAX_EVENTS} events, got {len(value)}")


_TOP_LEVEL: dict[str, fields.Check] = {
    "event_source": _event_source,
    "event_source_id": fields.text,
    "data": _batch,
    "test_event_code": fields.text,
}


def check_events(data: list[Any], now: float) -> list[list[str]]:
    """The warnings of each event; one bad event refuses them all, named by its index from zero."""
    return [_check_event(event, f"Batch.{index}", now) for index, event in enumerate(data)]


def _check_event(event: object, path: str, now: float) -> list[str]:
    warnings: list[str] = []
    _EVENT(event, path, warnings)
    if isinstance(event, dict):
        _check_time(event["event_time"], f"{path}.event_time", now)
        _check_value(event.get("properties", {}), f"{path}.properties")
        warnings += _limit_warnings(event, path)
    return warnings


def _limit_warnings(event: dict[str, Any], path: str) -> list[str]:
    """TikTok applies limited data use where the visitor's address says that they are [HUB]."""
    if not event.get("limited_data_use") or "ip" in event.get("user", {}):
        return []
    return [f"{path}.limited_data_use: needs user.ip, TikTok cannot tell where the visitor is"]


def _event_name(value: object, path: str, warnings: list[str]) -> None:
    name = fields.text(value, path, warnings)
    if name in STANDARD:
        return
    if not CUSTOM_NAME.fullmatch(name):
        raise bad(path, "is neither a standard event nor a possible custom name", name)
    if name in RENAMED_EVENTS:
        warnings.append(f"{path}: {name} is now called {RENAMED_EVENTS[name]}")
    else:
        warnings.append(f"{path}: {name} is a custom event, TikTok cannot optimise for it")


def _check_time(value: int, path: str, now: float) -> None:
    if value > 10_000_000_000:
        raise bad(path, "must be in seconds, this looks like milliseconds", value)
    if value > now + NEWEST:
        raise bad(path, "lies in the future", value)
    if value < now - OLDEST:
        raise bad(path, "is older than 7 days", value)


def _check_value(properties: dict[str, Any], path: str) -> None:
    if "value" in properties and "currency" not in properties:
        raise bad(f"{path}.currency", "is required with value")


_CONTENT = fields.record(
    {
        "content_id": fields.text,
        "content_name": fields.text,
        "content_category": fields.text,
        "brand": fields.text,
        "price": fields.number,
        "quantity": fields.whole_number,
    },
    required=["content_id"],
)

DESCRIBED: dict[str, fields.Check] = {
    "contents": fields.items(_CONTENT),
    "content_ids": fields.items(fields.text),
    "content_type": fields.one_of(("product", "product_group")),
    "num_items": fields.whole_number,
    "search_string": fields.text,
    "description": fields.text,
    "order_id": fields.text,
    "shop_id": fields.text,
    "customer_type": fields.one_of(("new", "returning")),
}
"""What an event is about, its money apart."""

_PROPERTIES = fields.record({"value": fields.number, "currency": fields.currency, **DESCRIBED})

_USER = fields.record(
    {
        "email": fields.hashed_one_or_many,
        "phone": fields.hashed_one_or_many,
        "external_id": fields.hashed_one_or_many,
        "first_name": fields.hashed,
        "last_name": fields.hashed,
        "zip_code": fields.hashed,
        "city": fields.text,
        "state": fields.text,
        "country": fields.text,
        "ttclid": fields.raw_id,
        "ttp": fields.raw_id,
        "ip": fields.ip_address,
        "user_agent": fields.text,
        "locale": fields.locale,
    }
)

_EVENT = fields.record(
    {
        "event": _event_name,
        "event_time": fields.whole_number,
        "event_id": fields.text,
        "user": _USER,
        "properties": _PROPERTIES,
        "page": fields.record({"url": fields.web_url, "referrer": fields.web_url}, required=["url"]),
        "ad": fields.record({"attribution_share": fields.share}),
        "limited_data_use": fields.flag,
    },
    required=["event", "event_time", "event_id", "page"],
)
