"""`/open_api/`: TikTok's side of the Events API."""

import json
import secrets
import time
from typing import Any

from dispatch.tiktok.sandbox import contract
from dispatch.tiktok.sandbox.arrivals import Call, Copy, record
from dispatch.tiktok.sandbox.exchange import Reply, Request, json_reply
from dispatch.tiktok.sandbox.failures import Outcome, Play, play
from dispatch.tiktok.sandbox.refusal import NO_ROUTE, NOT_EXIST, RefusedError, bad
from dispatch.tiktok.sandbox.state import State
from dispatch.tiktok.sandbox.tokens import last4

TRACK = "/open_api/v1.3/event/track/"


def answer(state: State, request: Request) -> Reply:
    """Play the current mode, and write everything down before the first byte of the answer leaves."""
    pixel_code = _pixel_code(request.body) if state.modes.names_pixels() else ""
    mode = state.modes.take(pixel_code)
    outcome = play(Play(mode, lambda: _judge(state, request), _envelope, state.wait))
    record(state.database, state.clock(), _call(request, mode.mode, outcome, pixel_code), outcome.copies)
    return outcome.reply


def _judge(state: State, request: Request) -> Outcome:
    try:
        return _envelope(0, "OK", _accepted(state, request))
    except RefusedError as refusal:
        return _envelope(refusal.code, refusal.message, status=_status(request, refusal))


def _accepted(state: State, request: Request) -> list[Copy]:
    token = request.header("Access-Token")
    _check_route(request)
    state.tokens.authenticate(token)
    if request.content_type != "application/json":
        raise bad("Content-Type", "must be application/json", request.content_type)
    envelope = contract.read_envelope(request.body)
    state.tokens.authorise(token, envelope.pixel_code)
    warnings = contract.check_events(envelope.data, state.clock())
    return [_copy(envelope, event, found) for event, found in zip(envelope.data, warnings, strict=True)]


def _check_route(request: Request) -> None:
    if request.path != TRACK:
        raise RefusedError(NO_ROUTE, f"Route not found: {request.path[:200]}")
    if request.method != "POST":
        raise RefusedError(NOT_EXIST, f"{request.method} does not exist here, POST does")


def _status(request: Request, refusal: RefusedError) -> int:
    """TikTok refuses with HTTP 200; somebody who opens the URL in a browser is better served by a 405."""
    return 405 if refusal.code == NOT_EXIST else 200


def _copy(envelope: contract.Envelope, event: dict[str, Any], warnings: list[str]) -> Copy:
    test = envelope.test_event_code
    return Copy("server", envelope.pixel_code, event["event"], event["event_id"], event, test, warnings)


def _envelope(code: int, message: str, copies: list[Copy] | None = None, status: int = 200) -> Outcome:
    request_id = f"{time.strftime('%Y%m%d%H%M%S')}{secrets.token_hex(9).upper()}"
    body = {"code": code, "message": message, "request_id": request_id, "data": {}}
    return Outcome(json_reply(body, status), code, message, request_id, copies or [])


def _call(request: Request, mode: str, outcome: Outcome, pixel_code: str) -> Call:
    return Call(
        method=request.method,
        path=request.path[:200],
        size=len(request.body),
        token_last4=last4(request.header("Access-Token")),
        pixel_code=_pixel_of(outcome) or pixel_code or _pixel_code(request.body),
        status=outcome.reply.status or None,
        code=outcome.code,
        message=outcome.message,
        request_id=outcome.request_id,
        mode=mode,
    )


def _pixel_of(outcome: Outcome) -> str:
    return outcome.copies[0].pixel_code if outcome.copies else ""


def _pixel_code(body: bytes) -> str:
    """The pixel of a request that may be refused for any reason, its JSON included."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    pixel_code = found.get("event_source_id", "") if isinstance(found, dict) else ""
    return pixel_code if isinstance(pixel_code, str) and pixel_code.isascii() else ""
