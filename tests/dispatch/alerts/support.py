"""What the tests of alerts share: findings, channels, and rounds of a minute each."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from dispatch.alerts.telling import tell
from dispatch.findings.finding import Code, Finding, Scope
from dispatch.models import AlertChannel

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def wrong(code: Code = Code.TIKTOK_FAILING, subject_id: int = 1, **fields: Any) -> Finding:
    """Something that is wrong with a pixel, and stops money unless said otherwise."""
    defaults: dict[str, Any] = {
        "scope": Scope.PIXEL,
        "subject": f"Pixel {subject_id}",
        "tone": "bad",
        "title": f"{code.label}: Pixel {subject_id}",
        "words": "These are the words.",
        "link": f"/admin/offers/pixel/{subject_id}/change/",
        "do": "Look",
    }
    return Finding(code=code, subject_id=subject_id, **{**defaults, **fields})


def rounds(minutes: range, *findings: Finding) -> int:
    """Look once a minute, at these minutes after noon; how many messages were written."""
    return sum(tell(findings, NOON + minute * MINUTE) for minute in minutes)


def make_channel(**fields: Any) -> AlertChannel:
    """People's mailboxes."""
    fields.setdefault("name", "Team")
    fields.setdefault("addresses", "team@example.com")
    return AlertChannel.objects.create(**fields)


@contextmanager
def endless_mail_server() -> Iterator[int]:
    """A mail server whose greeting never ends, a line after the other; its port."""
    listening, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def greet() -> None:
        with listening.accept()[0] as client, suppress(OSError):
            while not over.wait(0.01):
                client.sendall(b"220-Welcome\r\n")

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    with listening:
        yield listening.getsockname()[1]
        over.set()
        thread.join()


@dataclass
class Hook:
    """A webhook on this machine, with what it was sent."""

    url: str = ""
    answer: tuple[int, str] = (200, "ok")
    texts: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Hook"]:
        hook = cls()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                hook.texts.append(json.loads(self.rfile.read(length))["text"])
                status, words = hook.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(words)))
                self.send_header("Location", hook.url + "/elsewhere")
                self.end_headers()
                self.wfile.write(words.encode())

            def log_message(self, *args: Any) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            hook.url = f"http://127.0.0.1:{server.server_port}/services/T0/B0/secretsecret"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            yield hook
            server.shutdown()
            thread.join()
