"""What a record says about its visitor without saying who it is: identifiers, answers, what the browser saw."""

import json
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from conversions.admin.badges import answer_shown
from conversions.admin.coverage import APPROVALS, LABELS
from conversions.models import Click, Conversion, Sighting
from conversions.visitor import visitor_ip
from offers.admin_parts import badge, moment, mono, table

HEADERS = ["Identifier", "Is it there?", "Does TikTok get it?"]
ANSWER_HEADERS = ["Answered", "Answer", "Who told us", "Had to agree", "Page"]
NEVER_ANSWERED = "The visitor has not been asked, or has not answered."
PIXEL_LEG = {
    "fired": ("Pixel fired", "good", "The browser said so at {}."),
    "blocked": ("Pixel blocked", "warn", "The browser said at {} that something kept TikTok's script back."),
}
UNHEARD = "No browser has said that the Pixel told this event, or tried to."
NO_PIXEL = "This offer does not use the Pixel."


def identifier_table(click: Click, conversion: Conversion | None = None) -> SafeString:
    """Which identifiers are known and which of them TikTok gets; never what they are."""
    known = known_of(click, conversion)
    return table(HEADERS, [[label, *standing(click, key, known[key])] for key, label in LABELS.items()], "")


def known_of(click: Click, conversion: Conversion | None) -> dict[str, bool]:
    """Whether each identifier is there, with the click or with the conversion itself."""
    given = [row for row in (click, conversion) if row]
    return {
        "ttclid": bool(click.ttclid),
        "email": any(row.email_sha256 for row in given),
        "phone": any(row.phone_sha256 for row in given),
        "ttp": bool(click.ttp),
        "browser": bool(visitor_ip(click.ip) and click.user_agent),
        "external_id": bool(click.external_id_sha256),
    }


def standing(click: Click, key: str, is_known: bool) -> tuple[SafeString, str]:
    """Two cells: whether it is there, and what becomes of it."""
    is_there = badge("Yes", "good") if is_known else badge("No")
    if click.erased_at or click.robot or not click.has_consent:
        return is_there, "No, TikTok may not be told of this visitor."
    if key in click.offer.withheld:
        return is_there, f"No, “{APPROVALS[key]}” is not ticked on the offer's page."
    if key == "external_id" and not is_known:
        return is_there, "The digest of the click id, in its place."
    return is_there, "Yes." if is_known else "No."


def answer_table(click: Click) -> SafeString:
    """Every answer of the visitor, the newest first."""
    rows = [
        [
            moment(record.created_at),
            answer_shown(record),
            record.source,
            "Yes" if record.was_required else "No",
            mono(record.page_url),
        ]
        for record in click.consent_records.all()
    ]
    return table(ANSWER_HEADERS, rows, NEVER_ANSWERED)


def pixel_leg(conversion: Conversion) -> SafeString:
    """What the browser said of the Pixel's copy of this event."""
    lines = [leg_line(sighting) for sighting in conversion.sightings.order_by("-outcome")]  # fired before blocked
    if lines:
        return format_html_join("", "<p>{}</p>", ((line,) for line in lines))
    if not conversion.offer.allows("pixel"):
        return format_html("<p>{}</p>", NO_PIXEL)
    return format_html("<p>{} &nbsp;{}</p>", badge("Pixel not heard of"), UNHEARD)


def leg_line(sighting: Sighting) -> SafeString:
    label, tone, words = PIXEL_LEG[sighting.outcome]
    detail = f" It added: {sighting.detail}" if sighting.detail else ""
    return format_html("{} &nbsp;{}{}", badge(label, tone), words.format(moment(sighting.created_at)), detail)


def said_table(conversion: Conversion) -> SafeString:
    """The properties that the page told, as both legs tell them."""
    said = conversion.page_properties or {}
    rows = [[name, mono(written(value))] for name, value in said.items()]
    return table(["Property", "What the page said"], rows, "No page has said more than the event's name.")


def written(value: Any) -> str:
    """A property as the page told it: text as it is, anything else as JSON, in one order on every database."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
