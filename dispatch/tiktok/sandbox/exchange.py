"""What passes between the HTTP handler and the code that answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from dispatch.tiktok.sandbox.connection import Connection


@dataclass(frozen=True)
class Request:
    """Header names are in lower case."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    peer: str

    def query(self, name: str) -> str:
        return parse_qs(self.query_string).get(name, [""])[-1]

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    @property
    def content_type(self) -> str:
        return self.header("Content-Type").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Reply:
    """`send` says how the reply goes over the wire, where that is not simply all of it at once."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    send: "Send | None" = None


Send = Callable[["Connection", Reply], None]
Wait = Callable[[float], object]
"""Sleeps, but not past the end of the sandbox."""


def json_reply(data: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(data, separators=(",", ":")).encode())
