"""`/sandbox/api/`: for scripts, and for the buttons on the pages."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl

from dispatch.tiktok.sandbox import guard, queries
from dispatch.tiktok.sandbox.exchange import Reply, Request, json_reply
from dispatch.tiktok.sandbox.modes import parse_mode
from dispatch.tiktok.sandbox.refusal import RefusedError
from dispatch.tiktok.sandbox.state import State
from dispatch.tiktok.sandbox.strict_json import read_json
from dispatch.tiktok.sandbox.tokens import STATES

PREFIX = "/sandbox/api/"


def answer(state: State, request: Request) -> Reply:
    name = request.path.removeprefix(PREFIX).rstrip("/")
    if request.method == "GET" and name in READS:
        return json_reply(READS[name](state, request))
    if request.method == "POST" and name in CHANGES:
        return _change(state, request, CHANGES[name])
    return json_reply({"error": "no such call"}, 404)


def _change(state: State, request: Request, change: "Change") -> Reply:
    if not guard.may_change(request):
        return json_reply({"error": "needs Content-Type application/json, or a form of this site"}, 403)
    try:
        result = change(state, _fields(request))
    except (ValueError, RefusedError) as error:
        return json_reply({"error": str(error)}, 400)
    if request.content_type == "application/json":
        return json_reply(result)
    return Reply(303, headers={"Location": _way_back(request)})


def _way_back(request: Request) -> str:
    """The page whose button was pressed; the Referer is ours, because the Origin was."""
    origin = request.header("Origin")
    return request.header("Referer").removeprefix(origin) or "/"


def _fields(request: Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        return dict(parse_qsl(request.body.decode()))
    found = read_json(request.body or b"{}")
    if not isinstance(found, dict):
        raise ValueError("the body must be a JSON object")
    return found


def _set_mode(state: State, data: dict[str, Any]) -> dict[str, Any]:
    state.modes.set(parse_mode(data))
    return _modes(state)


def _set_token(state: State, data: dict[str, Any]) -> dict[str, Any]:
    """Either a token in clear and its pixel, or the number of a known token."""
    status = data.get("state", "active")
    if status not in STATES:
        raise ValueError(f"state must be one of {', '.join(STATES)}")
    if "id" in data:
        if not state.tokens.set_state(_number(data, "id"), status):
            raise ValueError("no such token")
    else:
        state.tokens.register(_text(data, "pixel_code"), _text(data, "token"), status)
    return {"tokens": state.tokens.listed()}


def _number(data: dict[str, Any], name: str) -> int:
    if not str(data[name]).isdecimal():
        raise ValueError(f"{name} must be a number")
    return int(data[name])


def _text(data: dict[str, Any], name: str) -> str:
    found = data.get(name)
    if not isinstance(found, str) or not found:
        raise ValueError(f"{name} must be a non-empty string")
    return found


def _reset(state: State, data: dict[str, Any]) -> dict[str, Any]:
    queries.clear(state.database)
    return {"reset": True}


def _modes(state: State) -> dict[str, Any]:
    return {"modes": [asdict(mode) for mode in state.modes.current()]}


def _events(state: State, request: Request) -> dict[str, Any]:
    wanted = {name: request.query(name) for name in ("event_id", "event", "pixel_code", "leg")}
    return {"events": queries.copies(state.database, **wanted, limit=_limit(request))}


def _requests(state: State, request: Request) -> dict[str, Any]:
    return {"requests": queries.requests(state.database, _limit(request))}


def _limit(request: Request) -> int:
    given = request.query("limit")
    return int(given) if given.isdecimal() else 0


Change = Callable[[State, dict[str, Any]], dict[str, Any]]

CHANGES: dict[str, Change] = {"mode": _set_mode, "tokens": _set_token, "reset": _reset}
READS: dict[str, Callable[[State, Request], dict[str, Any]]] = {
    "events": _events,
    "requests": _requests,
    "summary": lambda state, request: queries.summary(state.database),
    "mode": lambda state, request: _modes(state),
    "tokens": lambda state, request: {"tokens": state.tokens.listed()},
}
