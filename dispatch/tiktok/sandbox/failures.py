"""The failures that the sandbox can play: what each mode answers, and how."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dispatch.tiktok.sandbox import wire
from dispatch.tiktok.sandbox.arrivals import Copy
from dispatch.tiktok.sandbox.exchange import Reply, Wait
from dispatch.tiktok.sandbox.modes import Mode
from dispatch.tiktok.sandbox.refusal import BAD_PARAMETER
from dispatch.tiktok.sandbox.weird import WEIRD

BAD_GATEWAY = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"

_turns = itertools.cycle(WEIRD.values())


@dataclass(frozen=True)
class Outcome:
    """The answer to one call, and the events that TikTok takes because of it."""

    reply: Reply
    code: int | None
    message: str
    request_id: str = ""
    copies: list[Copy] = field(default_factory=list)


Answer = Callable[[], Outcome]
Envelope = Callable[[int, str], Outcome]
"""Makes TikTok's body from a code and a message."""


@dataclass(frozen=True)
class Play:
    """What a failure may use: its settings, the honest answer, TikTok's envelope, and a clock."""

    mode: Mode
    answer: Answer
    envelope: Envelope
    wait: Wait


def play(scene: Play) -> Outcome:
    return PLAYS[scene.mode.mode](scene)


def _ok(scene: Play) -> Outcome:
    return scene.answer()


def _code(scene: Play) -> Outcome:
    """20001 is "partly done": TikTok has the events and warns."""
    outcome = scene.envelope(scene.mode.code, f"Failure mode of the sandbox: {scene.mode.code}")
    return replace(outcome, copies=scene.answer().copies) if scene.mode.code == 20001 else outcome


def _reject_event_id(scene: Play) -> Outcome:
    outcome = scene.answer()
    for index, copy in enumerate(outcome.copies):
        if copy.event_id == scene.mode.event_id:
            return scene.envelope(BAD_PARAMETER, f'Batch.{index}.event_id: is refused, got "{copy.event_id}"')
    return outcome


def _http_429(scene: Play) -> Outcome:
    headers = {"Retry-After": f"{scene.mode.seconds:.0f}"}
    return Outcome(Reply(429, b"Too Many Requests", "text/plain", headers), None, "Too Many Requests")


def _http_500(scene: Play) -> Outcome:
    return Outcome(Reply(scene.mode.status, BAD_GATEWAY, "text/html"), None, "an HTML page")


def _redirect(scene: Play) -> Outcome:
    headers = {"Location": "http://127.0.0.1:9/elsewhere/"}
    return Outcome(Reply(302, b"", "text/html", headers), None, "sent elsewhere")


def _garbage(scene: Play) -> Outcome:
    return Outcome(Reply(200, b"<!doctype html><p>Welcome", "text/html"), None, "not JSON")


def _weird(scene: Play) -> Outcome:
    body = WEIRD[scene.mode.variant] if scene.mode.variant else next(_turns)
    return Outcome(Reply(200, body), None, body[:80].decode(errors="replace"))


def _truncated(scene: Play) -> Outcome:
    return Outcome(Reply(200, b'{"code":0,"mess', send=wire.truncated), None, "cut short")


def _huge(scene: Play) -> Outcome:
    return Outcome(Reply(200, send=wire.endless), None, "an endless body")


def _timeout(scene: Play) -> Outcome:
    return Outcome(Reply(0, send=wire.silent(scene.wait, scene.mode.seconds)), None, "no answer")


def _reset(scene: Play) -> Outcome:
    return Outcome(Reply(0, send=wire.reset), None, "connection reset")


def _accept_then_reset(scene: Play) -> Outcome:
    outcome = scene.answer()
    return replace(outcome, reply=Reply(0, send=wire.reset))


def _delay(scene: Play) -> Outcome:
    outcome = scene.answer()
    return replace(outcome, reply=replace(outcome.reply, send=wire.late(scene.wait, scene.mode.seconds)))


def _drip(scene: Play) -> Outcome:
    outcome = scene.answer()
    return replace(outcome, reply=replace(outcome.reply, send=wire.dripping(scene.wait, scene.mode.seconds)))


def _drip_headers(scene: Play) -> Outcome:
    outcome = scene.answer()
    send = wire.dripping_headers(scene.wait, scene.mode.seconds)
    return replace(outcome, reply=replace(outcome.reply, send=send))


PLAYS: dict[str, Callable[[Play], Outcome]] = {
    "ok": _ok,
    "delay": _delay,
    "code": _code,
    "reject_event_id": _reject_event_id,
    "http_429": _http_429,
    "http_500": _http_500,
    "redirect": _redirect,
    "garbage": _garbage,
    "weird": _weird,
    "truncated": _truncated,
    "huge": _huge,
    "drip": _drip,
    "drip_headers": _drip_headers,
    "timeout": _timeout,
    "reset": _reset,
    "accept_then_reset": _accept_then_reset,
}
