"""The one place that opens a connection to TikTok: total deadline, byte cap, no redirects, verdict by body code."""

import contextlib
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson
import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from conversions.identity import hide_inside
from conversions.visitor import clean_text
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


class Deadline:
    """Cuts this thread's request after so many seconds, whatever the peer is doing.

    A read timeout alone would start anew with every byte that drips in.
    """

    local = threading.local()

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self.sock: socket.socket | None = None
        self.timer = threading.Timer(seconds, self.cut)
        self.timer.daemon = True

    def __enter__(self) -> "Deadline":
        self.local.current = self
        self.timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.timer.cancel()
        self.local.current = None

    def cut(self) -> None:
        self.passed = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    @classmethod
    def watch(cls, sock: Any) -> None:
        """Have the running deadline of this thread cut `sock`."""
        current = getattr(cls.local, "current", None)
        if current is not None:
            current.sock = sock
            if current.passed:
                current.cut()  # looking the name up or connecting took all the time


class Cuttable:
    """A connection that tells the running deadline which socket it uses, kept open or new."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        Deadline.watch(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        Deadline.watch(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]


class CuttableHTTPConnection(Cuttable, HTTPConnection):
    pass


class CuttableHTTPSConnection(Cuttable, HTTPSConnection):
    pass


class HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = CuttableHTTPConnection


class HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = CuttableHTTPSConnection


class CuttableAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}


@cache
def session() -> requests.Session:
    """This process's session: kept connections, no retries of its own, nothing from proxies or netrc."""
    made = requests.Session()
    made.trust_env = False
    made.mount("http://", CuttableAdapter(max_retries=0, pool_maxsize=CONNECTIONS))
    made.mount("https://", CuttableAdapter(max_retries=0, pool_maxsize=CONNECTIONS))
    return made


def send(body: Body, token: str) -> Reply:
    """POST one request and say what came of it; never raises for what the network or TikTok does."""
    started = time.monotonic()
    with Deadline(settings.TIKTOK_DEADLINE_SECONDS) as deadline:
        try:
            reply = exchange(orjson.dumps(body), token)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            reply = failure(error, deadline.passed)
    duration = int((time.monotonic() - started) * 1000)
    return replace(reply, duration_ms=duration, message=scrub(reply.message, token))


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


def scrub(message: str, token: str) -> str:
    """TikTok's message without what it may echo: personal data, digests, the token."""
    text = hide_inside(message.replace(token, "[token]")) if token else hide_inside(message)
    return clean_text(PERSONAL.sub("[hidden]", text), MESSAGE_LENGTH)
