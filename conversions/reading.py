"""Reading a call's parts and parameters out of a request. Nothing is judged here but its form."""

import json
import re
from collections import Counter
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from conversions.calls import Call, Pairs, UnreadableCallError
from conversions.outcomes import Outcome

MAX_QUERY_BYTES = 8 * 1024
MAX_FIELDS = 250  # Digistore24 sends more than a hundred
STRAY_PERCENTS = re.compile(r"(?:%(?![0-9A-Fa-f]{2}))+")
BOUNDARY = re.compile(r'boundary="?([^";]+)', re.IGNORECASE)
TOO_MANY = f"There are more than {MAX_FIELDS} parameters."


def read_request(request: HttpRequest, max_body_bytes: int) -> Call:
    """The call's parts; `error` says that it is too large or ended early, and then the beginning is there."""
    meta = request.META
    call = Call(
        method=(request.method or "")[:4],
        query=meta.get("QUERY_STRING", ""),
        content_type=meta.get("CONTENT_TYPE", ""),
        headers={name[5:].replace("_", "-").lower(): value for name, value in meta.items() if name[:7] == "HTTP_X_"},
    )
    try:
        call.body = read_body(request, max_body_bytes)
        refuse_large(call, max_body_bytes)
    except UnreadableCallError as error:
        call.error = error
    return call


def read_pairs(call: Call) -> Pairs:
    """The parameters of query and body, in this order. Raises UnreadableCallError."""
    return parse_query(call.query) + parse_body(call)


def read_body(request: HttpRequest, max_body_bytes: int) -> bytes:
    """The body, of which at most a byte more than allowed is ever read. Raises UnreadableCallError."""
    try:
        return bytes(body_stream(request).read(max_body_bytes + 1))
    except OSError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body ended early.") from error


def body_stream(request: HttpRequest) -> Any:
    """What to read the body from. Django takes a chunked one, which comes without a length, for empty."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return request.META["wsgi.input"]
    return request


def refuse_large(call: Call, max_body_bytes: int) -> None:
    """Raises UnreadableCallError for a query above 8 kB or a body above what the format may have."""
    if len(call.query) > MAX_QUERY_BYTES:
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, "The query is larger than 8 kB.")
    if len(call.body) > max_body_bytes:
        words = f"The body is larger than {max_body_bytes // 1024} kB."
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, words)


def parse_query(query: str) -> Pairs:
    try:
        return parse_form(query.encode("latin-1").decode("utf-8"))  # WSGI hands bytes over as latin-1
    except UnicodeError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The query is not UTF-8.") from error


def parse_body(call: Call) -> Pairs:
    """Parameters of a form or JSON body; JSON is recognised by its first character whatever the type says."""
    mime = call.content_type.partition(";")[0].strip().lower()
    if not call.body.strip():
        return []
    if call.body.lstrip()[:1] in (b"{", b"["):
        return flatten(parse_json(call.body))
    if mime == "application/json":
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not a JSON object.")
    if mime == "multipart/form-data":
        return parse_multipart(call)
    try:
        return parse_form(call.body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not UTF-8.") from error


def parse_multipart(call: Call) -> Pairs:
    """Fields of a multipart form, which PHP's curl makes of an array; files are left out."""
    boundary = BOUNDARY.search(call.content_type)
    if boundary and call.body.count(b"--" + boundary[1].encode()) > MAX_FIELDS + 1:  # Django's parser is slow at each
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, TOO_MANY)
    try:
        environ = {"CONTENT_TYPE": call.content_type, "CONTENT_LENGTH": len(call.body)}  # a chunked one has no length
        fields, _ = MultiPartParser(environ, BytesIO(call.body), [], "utf-8").parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not a readable multipart form.") from error
    pairs = [(str(key), str(value)) for key, values in fields.lists() for value in values]
    if len(pairs) > MAX_FIELDS:
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, TOO_MANY)
    return pairs


def parse_form(text: str) -> Pairs:
    """Raises UnreadableCallError for more than 250 fields or invalid UTF-8."""
    try:
        text = STRAY_PERCENTS.sub(lambda run: "%25" * len(run[0]), text)  # means the same, and costs parse_qsl less
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except UnicodeDecodeError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "A parameter is not UTF-8.") from error
    except ValueError as error:
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, TOO_MANY) from error


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
        raise UnreadableCallError(Outcome.TOO_LARGE, 413, TOO_MANY)
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
