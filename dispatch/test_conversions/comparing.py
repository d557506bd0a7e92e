"""Whether both legs tell TikTok the same of each event: what the Pixel is told, and what the server has sent."""

from collections.abc import Iterable, Mapping
from typing import Any

from dispatch.models import Delivery, DeliveryAttempt
from dispatch.tiktok.codes import Verdict

SAME_MOMENT = 60  # seconds between the page's clock and the event's time that merging copies does not mind
PARTS = [
    ("name", "Event name"),
    ("event_id", "event_id"),
    ("value", "Value"),
    ("currency", "Currency"),
    ("url", "Page URL"),
    ("time", "Time"),
]
PIXEL_ALONE = "The server does not tell this event, so there is nothing to compare."
SERVER_ALONE = "No page tells the Pixel of this event, so there is nothing to compare."
Leg = Mapping[str, Any]


def compare(pixel: Iterable[Leg], deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """Every event that was told over a leg, with its parts side by side."""
    on_page = {leg["event_id"]: leg for leg in pixel}
    sent = {leg["event_id"]: leg for leg in map(leg_of, accepted(deliveries))}
    return [compared(on_page.get(event_id), sent.get(event_id)) for event_id in dict.fromkeys([*on_page, *sent])]


def accepted(deliveries: Iterable[Delivery]) -> list[DeliveryAttempt]:
    """The attempt with which TikTok took each."""
    return list(DeliveryAttempt.objects.filter(delivery__in=deliveries, verdict=Verdict.ACCEPTED).order_by("pk"))


def leg_of(attempt: DeliveryAttempt) -> dict[str, Any]:
    """What the server told of one event."""
    told = attempt.payload
    properties = told.get("properties", {})
    return {
        "event": told.get("event"),
        "event_id": told.get("event_id"),
        "value": properties.get("value"),
        "currency": properties.get("currency", ""),
        "url": told.get("page", {}).get("url", ""),
        "time": told.get("event_time"),
    }


def compared(pixel: Leg | None, server: Leg | None) -> dict[str, Any]:
    """One event; of one that only one leg tells, only that one's parts."""
    one = pixel or server or {}
    note = "" if pixel and server else (PIXEL_ALONE if pixel else SERVER_ALONE)
    rows = [
        {
            "what": label,
            "pixel": shown(pixel, part),
            "server": shown(server, part),
            "ok": is_same(part, pixel, server) if pixel and server else None,
        }
        for part, label in PARTS
    ]
    return {"event": one["event"], "note": note, "ok": all(row["ok"] is not False for row in rows), "rows": rows}


def value_of(leg: Leg, part: str) -> Any:
    return leg["event" if part == "name" else part]


def shown(leg: Leg | None, part: str) -> Any:
    if leg is None:
        return ""
    value = value_of(leg, part)
    return "none" if value in (None, "") else value


def is_same(part: str, pixel: Leg, server: Leg) -> bool:
    ours, theirs = value_of(pixel, part), value_of(server, part)
    return bool(abs(ours - theirs) <= SAME_MOMENT if part == "time" else ours == theirs)
