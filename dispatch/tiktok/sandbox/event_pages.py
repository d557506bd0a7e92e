"""The list of events, both legs side by side, and the page of one event."""

import json
from typing import Any
from urllib.parse import quote

from dispatch.tiktok.sandbox import layout, overview, queries
from dispatch.tiktok.sandbox.exchange import Reply, Request
from dispatch.tiktok.sandbox.markup import Html, badge, fill, join, notes, option
from dispatch.tiktok.sandbox.overview import Sight
from dispatch.tiktok.sandbox.state import State

KINDS = {"merged": "good", "deduplicated": "good", "test": "test"}
LEGS = {
    "": "any leg",
    "both": "both legs",
    "server": "server only",
    "browser": "browser only",
    "test": "test events",
}
IDENTITY = ("ttclid", "ttp", "email", "phone", "external_id")

_LIST = """<form class=filters>
  <input type=search name=q value="{q}" placeholder="event_id or event name" aria-label="Search">
  <select name=pixel_code aria-label="Pixel"><option value="">any pixel</option>{pixels}</select>
  <select name=leg aria-label="Leg">{legs}</select>
  <label><input type=checkbox name=pageviews value=1{pageviews}> page views</label>
  <button>Show</button>
</form>
<section class=live id=live-events>
<p class=lead>{lead}</p>
{table}
</section>
<form method=post action="/sandbox/api/reset" class=end>
<button class=quiet>Forget everything that arrived</button></form>
"""

_TABLE = """<table class=events>
<thead><tr><th>Event<th>Browser, by the Pixel<th>Server, by the Events API</tr></thead><tbody>{rows}</tbody></table>"""

_EMPTY = """<div class=empty><h2>{title}</h2>
<p>Send an event to <code>POST /open_api/v1.3/event/track/</code>, or open a page whose Pixel loads
<code>/i18n/pixel/events.js</code> from here.
What arrives shows up by itself; page views only if you tick them.</p></div>"""

_ROW = """<tr><td class=what><a href="{url}">{name}</a> {verdict} {copies}
<code class=id>{event_id}</code><small>{pixel}</small>{agreement}{bad}{warnings}<td>{browser}<td>{server}</tr>"""

_LEG = """<div class=leg><div class=first><b class=money>{money}</b>{when}</div>
<div class=chips>{chips}</div><small class=url>{url}</small><small class=agent>{agent}</small></div>"""

_EVENT = """<section class=event><h2>{name} {verdict}</h2><p class=lead>Pixel <code>{pixel}</code></p>{bad}
<div class=columns>{copies}</div>
<details><summary>What TikTok has of it in the end</summary><pre>{kept}</pre></details></section>"""

_COPY = """<article><h3>{leg} {verdict}</h3><p>{when} {test}</p>{warnings}<pre>{payload}</pre></article>"""


def listed(state: State, request: Request) -> Reply:
    names = ("q", "pixel_code", "leg", "pageviews")
    asked = {name: request.query(name) for name in names}
    found = overview.sights(state.database, **{**asked, "pageviews": bool(asked["pageviews"])})  # type: ignore[arg-type]
    content = fill(
        _LIST,
        q=asked["q"],
        pixels=join(option(code, code, asked["pixel_code"]) for code in overview.pixel_codes(state.database)),
        legs=join(option(leg, words, asked["leg"]) for leg, words in LEGS.items()),
        pageviews=Html(" checked" if asked["pageviews"] else ""),
        lead=_lead(state),
        table=_table(found, any(asked.values())),
    )
    return layout.page(state, "/", "Events", content)


def _lead(state: State) -> str:
    summary = queries.summary(state.database)
    copies = ", ".join(f"{number} {verdict}" for verdict, number in summary["verdicts"].items())
    return (
        f"{summary['events']} events that TikTok counts · copies: {copies or 'none'} · {summary['requests']} requests"
    )


def _table(found: list[Sight], is_filtered: bool) -> Html:
    if not found:
        return fill(_EMPTY, title="Nothing fits" if is_filtered else "No event yet")
    return fill(_TABLE, rows=join(map(_row, found)))


def _row(sight: Sight) -> Html:
    return fill(
        _ROW,
        url=f"/events/{quote(sight.row['event_id'], safe='')}",
        name=sight.row["event"],
        verdict=_verdict(sight),
        copies=badge(f"{len(sight.copies)} copies") if len(sight.copies) > len(sight.row["legs"].split()) else "",
        event_id=sight.row["event_id"] or "no event_id",
        pixel=sight.row["pixel_code"],
        agreement=_agreement(sight),
        bad=_disagreements(sight),
        warnings=notes(sight.warnings),
        browser=_leg(sight.first("browser")),
        server=_leg(sight.first("server")),
    )


def _verdict(sight: Sight) -> Html:
    return badge(sight.verdict, KINDS.get(sight.verdict, "fair"))


def _agreement(sight: Sight) -> Html:
    if not sight.has_both_legs or sight.disagreements:
        return Html()
    return Html("<small class=agree>✓ the legs do not contradict each other</small>")


def _disagreements(sight: Sight) -> Html:
    return join(fill("<p class=bad-note>{words}</p>", words=words) for words in sight.disagreements)


def _leg(copy: dict[str, Any] | None) -> Html:
    if copy is None:
        return Html("<span class=none>nothing</span>")
    payload = copy["payload"]
    user = payload.get("user", {})
    return fill(
        _LEG,
        money=_money(payload.get("properties")),
        when=layout.moment(copy["received_at"]),
        chips=join(_chip(name, name in user) for name in IDENTITY),
        url=payload.get("page", {}).get("url", ""),
        agent=" · ".join(str(user[name]) for name in ("ip", "user_agent") if name in user),
    )


def _money(properties: Any) -> str:
    if not isinstance(properties, dict) or "value" not in properties:
        return "no value"
    return f"{properties['value']} {properties.get('currency', '')}"


def _chip(name: str, is_there: bool) -> Html:
    mark, kind = ("✓", "chip there") if is_there else ("·", "chip")
    return fill("<span class='{kind}'>{name} {mark}</span>", kind=kind, name=name, mark=mark)


def one(state: State, event_id: str) -> Reply:
    found = overview.sights_of(state.database, event_id)
    if not found:
        return layout.page(state, "", "Not found", Html("<h1>No such event</h1>"), 404)
    title = event_id or "without event_id"
    heading = fill("<h1>Event <code>{event_id}</code></h1>", event_id=title)
    return layout.page(state, "", f"Event {title}", join([heading, *map(_section, found)]))


def _section(sight: Sight) -> Html:
    return fill(
        _EVENT,
        name=sight.row["event"],
        verdict=_verdict(sight),
        pixel=sight.row["pixel_code"],
        bad=_disagreements(sight),
        copies=join(map(_copy, sight.copies)),
        kept=_pretty(overview.kept(sight)),
    )


def _copy(copy: dict[str, Any]) -> Html:
    return fill(
        _COPY,
        leg=copy["leg"].capitalize(),
        verdict=badge(copy["verdict"], "test" if copy["test"] else "good" if copy["verdict"] == "counted" else ""),
        when=layout.moment(copy["received_at"]),
        test=f"test_event_code {copy['test']}" if copy["test"] else "",
        warnings=notes(copy["warnings"]),
        payload=_pretty(copy["payload"]),
    )


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
