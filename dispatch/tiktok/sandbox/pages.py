"""The pages for people: events, one event, requests, tokens."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from dispatch.tiktok.sandbox import event_pages, layout, queries
from dispatch.tiktok.sandbox.exchange import Reply, Request
from dispatch.tiktok.sandbox.markup import Html, badge, fill, join
from dispatch.tiktok.sandbox.state import State

EVENT_PREFIX = "/events/"
MOST = 200

_REQUESTS = """<section class=live id=live-requests>
<p class=lead>{lead}</p>
<table><thead><tr><th>When<th>Answer<th>Message<th class=number>Events<th class=number>Bytes<th>Pixel<th>Token
<th>Mode</tr></thead><tbody>{rows}</tbody></table></section>"""

_REQUEST = """<tr><td>{when}<td class=answer>{code}<small>HTTP: {status}</small>
<td class=message>{message}<small>{method} {path}<br>{request_id}</small>
<td class=number>{events}<td class=number>{size:}<td><code>{pixel}</code><td><code>{token}</code><td>{mode}</tr>"""

_TOKENS = """<p class=lead>{lead}</p>
<table><thead><tr><th>Token<th>Pixels<th>State<th></tr></thead><tbody>{rows}</tbody></table>"""

_KEPT = """<tr><td><code>…{last4}</code><td><code>{pixels}</code><td>{state}<td>
<form method=post action="/sandbox/api/tokens"><input type=hidden name=id value="{id}">
<button name=state value="{change}">{words}</button></form></tr>"""


def answer(state: State, request: Request) -> Reply:
    if request.method not in ("GET", "HEAD"):
        return Reply(405, b"", "text/plain", {"Allow": "GET, HEAD"})
    if request.path.startswith(EVENT_PREFIX):
        return event_pages.one(state, unquote(request.path.removeprefix(EVENT_PREFIX)))
    return PAGES.get(request.path, _missing)(state, request)


def _missing(state: State, request: Request) -> Reply:
    return layout.page(state, "", "Not found", Html("<h1>No such page</h1>"), 404)


def _requests(state: State, request: Request) -> Reply:
    found = queries.requests(state.database, MOST)
    lead = f"The last {len(found)} calls to the Events API." if found else "Nobody has called yet."
    content = fill(_REQUESTS, lead=lead, rows=join(map(_request_row, found)))
    return layout.page(state, "/requests", "Requests", content)


def _request_row(row: dict[str, Any]) -> Html:
    return fill(
        _REQUEST,
        when=layout.moment(row["received_at"]),
        code=_code(row["code"]),
        status="unanswered" if row["status"] is None else row["status"],
        message=row["message"],
        method=row["method"],
        path=row["path"],
        request_id=row["request_id"],
        events=row["events"],
        size=f"{row['size']:,}",
        pixel=row["pixel_code"],
        token=f"…{row['token_last4']}" if row["token_last4"] else "",
        mode="" if row["mode"] == "ok" else badge(row["mode"], "bad"),
    )


def _code(code: int | None) -> Html:
    if code is None:
        return badge("no code", "bad")
    return badge(str(code), {0: "good", 20001: "fair"}.get(code, "bad"))


def _tokens(state: State, request: Request) -> Reply:
    found = state.tokens.listed()
    lead = "Kept as a digest and the last four characters. Revoke one to see what a sender does about it."
    rows = join(map(_token_row, found))
    content = fill(_TOKENS, lead=lead if found else "No token yet: register one, or send with one.", rows=rows)
    return layout.page(state, "/tokens", "Tokens", content)


def _token_row(row: dict[str, Any]) -> Html:
    is_active = row["state"] == "active"
    return fill(
        _KEPT,
        last4=row["last4"],
        pixels=row["pixel_codes"],
        state=badge(row["state"], "good" if is_active else "bad"),
        id=row["id"],
        change="revoked" if is_active else "active",
        words="Revoke this token" if is_active else "Accept again",
    )


PAGES: dict[str, Callable[[State, Request], Reply]] = {
    "/": event_pages.listed,
    "/requests": _requests,
    "/tokens": _tokens,
    "/sandbox/pages.css": lambda state, request: layout.STYLE,
    "/sandbox/pages.js": lambda state, request: layout.SCRIPT,
}
