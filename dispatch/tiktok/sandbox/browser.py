"""The Pixel's two URLs: the script, and the place it reports to."""

from pathlib import Path
from typing import Any

from dispatch.tiktok.sandbox import contract, fields
from dispatch.tiktok.sandbox.arrivals import Copy, record
from dispatch.tiktok.sandbox.exchange import Reply, Request, json_reply
from dispatch.tiktok.sandbox.refusal import RefusedError, bad
from dispatch.tiktok.sandbox.state import State
from dispatch.tiktok.sandbox.strict_json import read_json
from offers.vocabulary import CURRENCIES, RENAMED_EVENTS, StandardEvent

SCRIPT_PATH = "/i18n/pixel/events.js"
TRACK_PATH = "/sandbox/browser/track"
MAX_REPORT = 64 * 1024

SCRIPT = (Path(__file__).parent / "events.js").read_bytes()
SCRIPT_HEADERS = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"}
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Allow-Private-Network": "true",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
STANDARD = frozenset(StandardEvent.values)


def script() -> Reply:
    return Reply(200, SCRIPT, "text/javascript; charset=utf-8", SCRIPT_HEADERS)


def track(state: State, request: Request) -> Reply:
    """What the Pixel reports; 204 whatever the events are worth, as a visitor's console must stay clean."""
    if request.method == "OPTIONS":
        return Reply(204, headers=CORS)
    try:
        copy = _read_report(request)
    except RefusedError as refusal:
        error = json_reply({"error": refusal.message}, 400)
        return Reply(400, error.body, headers=CORS)
    record(state.database, state.clock(), None, [copy])
    return Reply(204, headers=CORS)


def _read_report(request: Request) -> Copy:
    if len(request.body) > MAX_REPORT:
        raise bad("body", f"is larger than {MAX_REPORT} bytes")
    found = read_json(request.body)
    _REPORT(found, "report", [])
    if not isinstance(found, dict):  # _REPORT has refused it; this is for the type checker
        raise bad("body", "must be an object")
    payload = {**found, "user": {**_seen(request), **found.get("user", {})}}
    name, event_id = found["event"], found.get("event_id", "")
    return Copy("browser", found["pixel_code"], name, event_id, payload, warnings=_warnings(found))


def _seen(request: Request) -> dict[str, str]:
    """The Pixel need not send address and user agent: TikTok sees them [HELP matching events]."""
    return {"ip": request.peer, "user_agent": request.header("User-Agent")}


def _anything(value: object, path: str, warnings: list[str]) -> None:
    """The page's own parameters: kept as they came, judged by warnings only."""


_USER = fields.record(
    {
        "email": fields.hashed_one_or_many,
        "phone": fields.hashed_one_or_many,
        "external_id": fields.hashed_one_or_many,
        "ttclid": fields.text,
        "ttp": fields.text,
    }
)

_REPORT = fields.record(
    {
        "event": fields.text,
        "event_id": fields.text,
        "event_time": fields.whole_number,
        "pixel_code": fields.text,
        "properties": _anything,
        "page": fields.record({"url": fields.text, "referrer": fields.text}, required=["url"]),
        "user": _USER,
        "limited_data_use": fields.flag,
    },
    required=["event", "pixel_code", "page"],
)


def _warnings(report: dict[str, Any]) -> list[str]:
    name = report["event"]
    found = []
    if name != "Pageview" and "event_id" not in report:
        found.append("event_id: is missing, nothing to deduplicate by")
    if name in RENAMED_EVENTS:
        found.append(f"event: {name} is now called {RENAMED_EVENTS[name]}")
    elif name not in STANDARD and name != "Pageview":
        found.append(f"event: {name} is a custom event, TikTok cannot optimise for it")
    properties = report.get("properties", {})
    properties = properties if isinstance(properties, dict) else {}
    return found + _money_warnings(properties) + _described_warnings(properties)


def _described_warnings(properties: dict[str, Any]) -> list[str]:
    """What the Events API would refuse of the same event; a page may add parameters of its own."""
    found: list[str] = []
    for name in contract.DESCRIBED.keys() & properties.keys():
        try:
            contract.DESCRIBED[name](properties[name], name, found)
        except RefusedError as refusal:
            found.append(refusal.message)
    return sorted(found)


def _money_warnings(properties: dict[str, Any]) -> list[str]:
    if "value" not in properties:
        return []
    found = []
    if isinstance(properties["value"], bool) or not isinstance(properties["value"], int | float):
        found.append("value: is not a number")
    if str(properties.get("currency")) not in CURRENCIES:
        found.append("currency: is missing or not one that TikTok knows")
    return found
