"""The one place that opens a connection to TikTok: total deadline, byte cap, no redirects, verdict by body code."""

import json
import re
import time
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson
import requests
import urllib3
from django.conf import settings
from urllib3.exceptions import NewConnectionError

from conversions.identity import hide_inside
from conversions.visitor import clean_text
from dispatch.connections import Cuttable, Deadline, session_over
from dispatch.tiktok.codes import Verdict, verdict_of
from dispatch.tiktok.contract import PATH, Body

CONNECT_SECONDS = 5.0
CONNECTIONS = 16  # kept open in one process
MAX_ANSWER_BYTES = 64 * 1024
MESSAGE_LENGTH = 500
LARGEST_CODE = 2**31 - 1
PERSONAL = re.compile(r"\b[0-9a-fA-F]{32,}\b|\+?\d[\d ().-]{7,}\d")


@dataclass(frozen=True)
class Reply:
    """What came of one request. `duration_ms` counts from the first byte to the verdict."""

    verdict: Verdict
    message: str
    http_status: int | None = None
    code: int | None = None
    request_id: str = ""
    duration_ms: int = 0
    retry_after: float | None = None


@cache
def session() -> requests.Session:
    """This process's session: its connections are kept."""
    return session_over(Cuttable, pool_maxsize=CONNECTIONS)


def send(body: Body, token: str) -> Reply:
    """POST one request and say what came of it; never raises for what the network or TikTok does."""
    started = time.monotonic()
    with Deadline(settings.TIKTOK_DEADLINE_SECONDS) as deadline:
        try:
            reply = exchange(orjson.dumps(body), token)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            reply = failure(error, deadline.passed)
    duration = int((time.monotonic() - started) * 1000)
    return replace(reply, duration_ms=duration, message=scrub(reply.message, token, body["event_source_id"]))


def exchange(body: bytes, token: str) -> Reply:
    response = session().post(
        settings.TIKTOK_API_URL + PATH,
        data=body,
        headers={"Access-Token": token, "Content-Type": "application/json"},
        timeout=(CONNECT_SECONDS, settings.TIKTOK_DEADLINE_SECONDS),
        allow_redirects=False,
        stream=True,
    )
    with response:
        answer = response.raw.read(MAX_ANSWER_BYTES + 1, decode_content=True)
        return read_reply(response.status_code, answer, response.headers.get("Retry-After", ""))


def read_reply(http_status: int, answer: bytes, retry_after: str = "") -> Reply:
    """The verdict on an answer. Without a readable body code, a success status leaves the outcome unknown."""
    wait = float(retry_after) if re.fullmatch(r"\d{1,6}", retry_after) else None
    parsed = parse_answer(answer)
    code = parsed.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or abs(code) > LARGEST_CODE:
        return Reply(verdict_without_code(http_status), describe(http_status, answer), http_status, retry_after=wait)
    verdict = verdict_of(code)
    if verdict == Verdict.ACCEPTED and not 200 <= http_status < 300:
        verdict = Verdict.UNKNOWN  # two statements that contradict each other
    text, request_id = str(parsed.get("message", "")), clean_text(str(parsed.get("request_id", "")), 100)
    return Reply(verdict, text, http_status, code, request_id, retry_after=wait)


def verdict_without_code(http_status: int) -> Verdict:
    if http_status == 429:
        return Verdict.THROTTLED
    return Verdict.UNKNOWN if 200 <= http_status < 300 else Verdict.TRANSIENT


def parse_answer(answer: bytes) -> dict[str, Any]:
    """The JSON object of an answer; empty for anything that is not exactly one, unambiguous object."""
    if len(answer) > MAX_ANSWER_BYTES:
        return {}
    try:
        parsed = json.loads(answer, object_pairs_hook=unambiguous, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def describe(http_status: int, answer: bytes) -> str:
    """An answer that says nothing readable, in words."""
    if len(answer) > MAX_ANSWER_BYTES:
        return f"HTTP {http_status} with more than 64 kB of answer."
    if 300 <= http_status < 400:
        return f"HTTP {http_status}: a redirect, which is not followed because the token must not travel."
    return f"HTTP {http_status} without a TikTok code: {answer[:200].decode('utf-8', 'replace')}"


def failure(error: Exception, deadline_passed: bool) -> Reply:
    """A request without an answer: certain not to have arrived, or of unknown outcome."""
    if deadline_passed or isinstance(error, requests.ReadTimeout):
        return Reply(Verdict.UNKNOWN, f"No complete answer within {settings.TIKTOK_DEADLINE_SECONDS:g} seconds.")
    if isinstance(error, requests.ConnectTimeout) or isinstance(root_of(error), NewConnectionError):
        return Reply(Verdict.TRANSIENT, "TikTok could not be reached.")
    return Reply(Verdict.UNKNOWN, f"The connection broke off ({type(error).__name__}).")


def root_of(error: Exception) -> object:
    """What lies under requests' and urllib3's wrappings."""
    wrapped = error.args[0] if error.args else None
    return getattr(wrapped, "reason", wrapped)


def scrub(message: str, token: str, pixel_code: str = "") -> str:
    """TikTok's message without what it may echo: personal data, digests, the token.

    The pixel's own code stays: it stands in every page, and whether it is the right one is what a refusal is about.
    """
    text = hide_inside(message.replace(token, "[token]")) if token else hide_inside(message)
    own = rf"\b{re.escape(pixel_code)}\b" if pixel_code else r"(?!)"
    hidden = re.sub(rf"({own})|{PERSONAL.pattern}", lambda found: found[1] or "[hidden]", text)
    return clean_text(hidden, MESSAGE_LENGTH)
