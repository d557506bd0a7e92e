"""What every page has: navigation, the current failure mode, and the form that changes it."""

from datetime import UTC, datetime
from pathlib import Path

from dispatch.tiktok.sandbox.exchange import Reply
from dispatch.tiktok.sandbox.markup import Html, fill, join, option
from dispatch.tiktok.sandbox.modes import NAMES, Mode
from dispatch.tiktok.sandbox.state import State
from dispatch.tiktok.sandbox.weird import WEIRD

HERE = Path(__file__).parent
STYLE = Reply(200, (HERE / "pages.css").read_bytes(), "text/css; charset=utf-8")
SCRIPT = Reply(200, (HERE / "pages.js").read_bytes(), "text/javascript; charset=utf-8")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

PAGES = {"/": "Events", "/requests": "Requests", "/tokens": "Tokens"}
EXPLAINED = {
    "ok": "behave",
    "delay": "answer late",
    "code": "answer with a code",
    "reject_event_id": "refuse one event_id",
    "http_429": "HTTP 429 with Retry-After",
    "http_500": "HTTP 502 with HTML",
    "redirect": "redirect elsewhere",
    "garbage": "answer what is not JSON",
    "weird": "answer odd JSON",
    "truncated": "cut the answer short",
    "huge": "never stop answering",
    "drip": "answer byte by byte",
    "drip_headers": "headers byte by byte",
    "timeout": "never answer",
    "reset": "hang up",
    "accept_then_reset": "take it, then hang up",
}

_PAGE = """<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content="width=device-width">
<title>{title} · TikTok sandbox</title>
<link rel=icon href="data:,">
<link rel=stylesheet href="/sandbox/pages.css">
<script src="/sandbox/pages.js" defer></script>
<header>
  <strong>TikTok sandbox</strong>
  <nav>{links}</nav>
  <span class=aside>Nothing here reaches TikTok</span>
</header>
<details class=mode>
  <summary><span class=live id=live-mode>{modes}</span> <span class=change>change</span></summary>
  {form}
</details>
<main>{content}</main>
<footer>All times are UTC.</footer>
</html>
"""

_FORM = """<form method=post action="/sandbox/api/mode">
  <label>From now on <select name=mode>{names}</select></label>
  <label>for so many requests <input name=count type=number min=1 placeholder="all"></label>
  <label>of pixel <input name=pixel_code placeholder="any"></label>
  <label>with code <input name=code type=number placeholder="50000"></label>
  <label>waiting seconds <input name=seconds type=number min=0 step=any placeholder="as usual"></label>
  <label>event_id <input name=event_id placeholder="to refuse"></label>
  <label>odd JSON <select name=variant><option value="">by turns</option>{variants}</select></label>
  <button>Set</button>
</form>"""


def page(state: State, path: str, title: str, content: Html, status: int = 200) -> Reply:
    text = fill(_PAGE, title=title, links=_links(path), modes=_modes(state), form=_mode_form(), content=content)
    return Reply(status, text.encode(), "text/html; charset=utf-8", HEADERS)


def _links(path: str) -> Html:
    return join(
        fill("<a href='{url}'{here}>{words}</a>", url=url, words=words, here=_here(url == path))
        for url, words in PAGES.items()
    )


def _here(is_here: bool) -> Html:
    return Html(" aria-current=page" if is_here else "")


def _modes(state: State) -> Html:
    modes = state.modes.current()
    if not modes:
        return Html("<span class='badge good'>behaving</span> Every correct request is accepted.")
    return join([Html("<span class='badge bad'>failing</span> "), join(map(_mode, modes), "; ")])


def _mode(mode: Mode) -> Html:
    return fill(
        "<b>{name}</b> ({words}{code}) for {count}{pixel}",
        name=mode.mode,
        words=EXPLAINED[mode.mode],
        code=f" {mode.code}" if mode.mode == "code" else "",
        count=_how_many(mode.count),
        pixel=f" of {mode.pixel_code}" if mode.pixel_code else "",
    )


def _how_many(count: int | None) -> str:
    if count is None:
        return "every request"
    return "the next request" if count == 1 else f"the next {count} requests"


def _mode_form() -> Html:
    return fill(
        _FORM,
        names=join(option(name, f"{EXPLAINED[name]} · {name}", "ok") for name in NAMES),
        variants=join(option(name, name.replace("_", " "), "") for name in WEIRD),
    )


def moment(at: float) -> Html:
    when = datetime.fromtimestamp(at, UTC)
    return fill(
        "<time datetime='{iso}' title='{iso}'>{short}</time>",
        iso=when.isoformat(timespec="milliseconds"),
        short=when.strftime("%d %b %H:%M:%S"),
    )
