"""Turning one raw call into one Postback row: read, hide personal data, keep. Nothing is judged here but its form."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from conversions import identity
from conversions.models import Postback
from conversions.networks import adapter_of
from conversions.outcomes import Outcome
from conversions.visitor import client_ip
from offers.models import Network

MAX_QUERY_BYTES = 8 * 1024
MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 100
MAX_VALUE = 4096
KEPT_OF_UNREADABLE = 2000

Pairs = list[tuple[str, str]]


class UnreadableCallError(Exception):
    """A call that has no readable parameters; carries outcome, HTTP status and the words for the sender."""

    def __init__(self, outcome: str, status: int, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.status, self.detail = outcome, status, detail


@dataclass
class Call:
    """One call as far as it could be read."""

    pairs: Pairs = field(default_factory=list)
    query: str = ""
    body: bytes = b""
    error: UnreadableCallError | None = None


def read_call(request: HttpRequest, critical: frozenset[str]) -> Call:
    """Read a call's parameters from query and body; what went wrong is in `error`, what was sent is kept."""
    call = Call(query=request.META.get("QUERY_STRING", ""))
    try:
        call.body = read_body(request)
        refuse_large(call)
        call.pairs = parse_query(call.query) + read_pairs(call.body, request)
        refuse_hostile(call.pairs, critical)
    except UnreadableCallError as error:
        call.error = error
    return call


def read_body(request: HttpRequest) -> bytes:
    """The body, of which at most a byte more than 64 kB is ever read. Raises UnreadableCallError."""
    try:
        return bytes(body_stream(request).read(MAX_BODY_BYTES + 1))
    except OSError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body ended early.") from error


def body_stream(request: HttpRequest) -> Any:
    """What to read the body from. Django takes a chunked one, which comes without a length, for empty."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return request.META["wsgi.input"]
    return request


def refuse_large(call: Call) -> None:
    """Raises UnreadableCallError for a query above 8 kB or a body above 64 kB."""
    if len(call.query) > MAX_QUERY_BYTES:
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, "The query is larger than 8 kB.")
    if len(call.body) > MAX_BODY_BYTES:
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, "The body is larger than 64 kB.")


def parse_query(query: str) -> Pairs:
    try:
        return parse_form(query.encode("latin-1").decode("utf-8"))  # WSGI hands bytes over as latin-1
    except UnicodeError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The query is not UTF-8.") from error


def read_pairs(body: bytes, request: HttpRequest) -> Pairs:
    """Parameters of a form or JSON body; JSON is recognised by its first character whatever the type says."""
    if not body.strip():
        return []
    if body.lstrip()[:1] in (b"{", b"["):
        return flatten(parse_json(body))
    if request.content_type == "application/json":
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not a JSON object.")
    if request.content_type == "multipart/form-data":
        return parse_multipart(body, request)
    try:
        return parse_form(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not UTF-8.") from error


def parse_multipart(body: bytes, request: HttpRequest) -> Pairs:
    """Fields of a multipart form, which PHP's curl makes of an array; files are left out."""
    try:
        environ = {**request.META, "CONTENT_LENGTH": len(body)}  # a chunked one has no length
        fields, _ = MultiPartParser(environ, BytesIO(body), [], "utf-8").parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not a readable multipart form.") from error
    pairs = [(str(key), str(value)) for key, values in fields.lists() for value in values]
    if len(pairs) > MAX_FIELDS:
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, "There are more than 100 parameters.")
    return pairs


def parse_form(text: str) -> Pairs:
    """Raises UnreadableCallError for more than 100 fields or invalid UTF-8."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except UnicodeDecodeError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "A parameter is not UTF-8.") from error
    except ValueError as error:
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, "There are more than 100 parameters.") from error


def parse_json(body: bytes) -> list[tuple[str, Any]]:
    """The members of a JSON object in order, one that came twice included. Integers of any length keep their digits."""
    try:
        parsed = orjson.loads(body)  # the strict one: no NaN, no half characters
    except orjson.JSONDecodeError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not valid JSON.") from error
    if not isinstance(parsed, dict):
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not a JSON object.")
    objects: list[list[tuple[str, Any]]] = []

    def keep_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
        objects.append(members)
        return dict(members)

    try:
        json.loads(body, object_pairs_hook=keep_members, parse_int=exact_integer)
    except RecursionError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The JSON is nested too deeply.") from error
    return objects[-1]  # the outermost one ends last


def exact_integer(text: str) -> int | str:
    """Ids can be longer than the 64 bits that orjson writes."""
    return int(text) if len(text) < 19 else text


def flatten(members: list[tuple[str, Any]]) -> Pairs:
    """Top-level values as text. Nested ones stay JSON, for an adapter to open."""
    if len(members) > MAX_FIELDS:
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, "There are more than 100 parameters.")
    return [(key, as_text(value)) for key, value in members if value is not None]


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:  # it reads deeper nesting than it writes
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The JSON is nested too deeply.") from error


def refuse_hostile(pairs: Pairs, critical: frozenset[str]) -> None:
    """Raises UnreadableCallError for NUL and for a critical parameter that came twice with different values."""
    if any("\x00" in key or "\x00" in value for key, value in pairs):
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "A parameter contains a NUL character.")
    names = Counter(key.casefold() for key, value in dict.fromkeys(pairs))
    repeated = [name for name, count in names.items() if count > 1 and name in critical]
    if repeated:
        raise UnreadableCallError(Outcome.REPEATED_PARAMETER, 400, f"{repeated[0]} came twice with different values.")


def make_postback(network: Network, call: Call, request: HttpRequest, now: datetime) -> Postback:
    """An unsaved Postback: due now when it is readable, finished with its reason when it is not."""
    postback = Postback(
        network=network,
        received_at=now,
        method=(request.method or "")[:4],
        remote_ip=client_ip(request),
        params=hide_personal(call.pairs),
        email_sha256=first_hash(identity.hash_email(value) for value in values_of(call.pairs, identity.EMAIL_KEYS)),
        phone_sha256=first_hash(
            identity.hash_phone(value, network.default_region) for value in values_of(call.pairs, identity.PHONE_KEYS)
        ),
        due_at=now,
    )
    if call.error:
        postback.settle(call.error.outcome, call.error.detail, now)
        postback.params, postback.raw_call = {}, beginning_of(call)
    return postback


def beginning_of(call: Call) -> str:
    """The beginning of query and body as one text that can be stored and shown, without personal data."""
    parts = (call.query[:MAX_QUERY_BYTES], call.body.decode("utf-8", "replace"))
    text = "\n".join(part for part in parts if part).replace("\x00", "")  # UTF-16 has one behind every letter
    return identity.hide_inside(text)[:KEPT_OF_UNREADABLE]


def values_of(pairs: Pairs, keys: frozenset[str]) -> list[str]:
    return [value for key, value in pairs if key.casefold() in keys]


def first_hash(digests: Iterable[str]) -> str:
    return next((digest for digest in digests if digest), "")


def hide_personal(pairs: Pairs) -> dict[str, str]:
    """The parameters as kept: personal ones hidden by name, and wherever they stand in a name or a value."""
    return {
        identity.hide_inside(key)[:100]: identity.HIDDEN if identity.is_personal(key) else hide_value(value)[:MAX_VALUE]
        for key, value in pairs
    }


def hide_value(text: str) -> str:
    """A value without personal data; what is JSON is searched by its keys, so that no spelling of it slips by."""
    if text.lstrip()[:1] not in ("{", "["):
        return identity.hide_inside(text)
    try:
        parsed = orjson.loads(text)
        hidden = hide_nested(parsed)
        return text if hidden == parsed else orjson.dumps(hidden).decode()
    except (orjson.JSONDecodeError, TypeError, RecursionError):  # no JSON, or nested too deeply for us
        return identity.hide_inside(text)


def hide_nested(value: Any) -> Any:
    match value:
        case dict():
            return {
                identity.hide_inside(key): identity.HIDDEN if identity.is_personal(key) else hide_nested(inner)
                for key, inner in value.items()
            }
        case list():
            return [hide_nested(inner) for inner in value]
        case str():
            return hide_value(value)
    return value


def keep(network: Network, request: HttpRequest, now: datetime) -> tuple[Postback, UnreadableCallError | None]:
    """Read and store one call in one INSERT. The caller has authenticated it."""
    call = read_call(request, adapter_of(network).CRITICAL)
    postback = make_postback(network, call, request, now)
    if call.error is None and not network.accepts_ip(postback.remote_ip):
        call.error = UnreadableCallError(Outcome.IP_NOT_ALLOWED, 404, f"{postback.remote_ip} is not in the list.")
        postback.settle(call.error.outcome, call.error.detail, now)
    postback.save(force_insert=True)
    return postback, call.error
