"""One call of a network as it came in: its parts, its parameters, and whether it is the network's own."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

Pairs = list[tuple[str, str]]


class UnreadableCallError(Exception):
    """A call that has no readable parameters; carries outcome, HTTP status and the words for the sender."""

    def __init__(self, outcome: str, status: int, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.status, self.detail = outcome, status, detail


class SignatureError(Exception):
    """A call that no key of the network proves to be its own; says why, for the inbox."""


@dataclass
class Call:
    """One call as far as it could be read. Names in `headers` are lower-case; `query` is as WSGI has it (latin-1)."""

    method: str = "GET"
    query: str = ""
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    pairs: Pairs = field(default_factory=list)
    error: UnreadableCallError | None = None

    @property
    def params(self) -> dict[str, str]:
        """The parameters by name; of one that came twice, the last."""
        return dict(self.pairs)

    def pack(self) -> str:
        """The raw call as text, for keeping it sealed. It holds whatever the network sent."""
        body = base64.b64encode(self.body).decode()
        return json.dumps([self.method, self.query, body, self.content_type, dict(self.headers)])

    @classmethod
    def unpack(cls, text: str) -> "Call":
        """What pack() has packed, without its parameters."""
        method, query, body, content_type, headers = json.loads(text)
        return cls(method, query, base64.b64decode(body), content_type, headers)
