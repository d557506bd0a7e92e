"""Reading what a page's script sends: one JSON object of at most 64 kB, each member checked before use."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, QueryDict

from conversions.calls import UnreadableCallError
from conversions.destinations import MAX_URL
from conversions.pixel.answers import RefusalError
from conversions.reading import read_body
from conversions.visitor import clean_text

MAX_BODY = 64 * 1024
LONGEST_AGO = timedelta(days=400)
Body = Mapping[str, Any]


def read_object(request: HttpRequest) -> Body:
    """The body's JSON object, whatever its content type says. Raises RefusalError."""
    try:
        content = read_body(request, MAX_BODY)
    except UnreadableCallError as error:
        raise RefusalError(400, "bad_json", error.detail) from error
    if len(content) > MAX_BODY:
        raise RefusalError(413, "too_large", f"The body is larger than {MAX_BODY // 1024} kB.")
    parsed = parse(content)
    if not isinstance(parsed, dict):
        raise RefusalError(400, "bad_json", "The body is not a JSON object.")
    return parsed


def parse(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return parse_again(content)


def parse_again(content: bytes) -> Any:
    """The slow way, for a text that a page has cut in the middle of an emoji. Raises RefusalError."""
    try:
        text = json.dumps(json.loads(content), ensure_ascii=False)
        return orjson.loads(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, "bad_json", "The body is not valid JSON, or nested too deeply.") from error


def text_of(body: Body, name: str, limit: int = MAX_URL) -> str:
    """A member that is text, at most `limit` characters; a whole number counts as text. Raises RefusalError."""
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise bad_request(f"“{name}” has to be text.")
    text = clean_text(str(value), limit + 1)
    if len(text) > limit:
        raise bad_request(f"“{name}” is longer than {limit} characters.")
    return text


def moment_of(body: Body, name: str, now: datetime) -> datetime | None:
    """A member that is a time by the browser's clock, in milliseconds since 1970; None for what can't be one.

    More than an hour ahead is none: whatever is compared with it later would be older for as long.
    """
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    earliest, latest = now - LONGEST_AGO, now + timedelta(hours=1)
    is_time = earliest.timestamp() <= value / 1000 <= latest.timestamp()
    return datetime.fromtimestamp(value / 1000, UTC) if is_time else None


def object_of(body: Body, name: str) -> dict[str, Any]:
    """A member that is an object; empty where there is none. Raises RefusalError."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request(f"“{name}” has to be an object.")
    return value


def url_of(body: Body, name: str) -> str:
    """An http address, at most 8,000 characters; empty for anything else, as a page can't always help what it has.

    Of a longer one the query is cut between two parameters, so that none is read that was not sent.
    """
    value = body.get(name)
    if not isinstance(value, str):
        return ""
    url = clean_text(value, MAX_URL + 1).strip()
    if len(url) > MAX_URL:
        start, _, query = url[:MAX_URL].partition("?")
        url = f"{start}?{query.rpartition('&')[0]}"
    return url if host_of(url) else ""


def host_of(url: str) -> str:
    """The host of an http address in lower case, without its port; empty where it has none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def query_of(url: str) -> QueryDict:
    """The parameters in an address. Raises RefusalError for more than a thousand."""
    try:
        return QueryDict(urlsplit(url).query)
    except TooManyFieldsSent as error:
        raise bad_request("The page's address has too many parameters.") from error


def bad_request(message: str) -> RefusalError:
    return RefusalError(400, "bad_request", message)
