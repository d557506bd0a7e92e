"""event_id: made on the server, once, and the same whoever asks first."""

import uuid

from conversions.identity import hide_inside, sha256

NAMESPACE = uuid.UUID("6f1f3f52-7d5c-5d0e-9a55-3c9a6f0d2b11")


def make_event_id(click_id: str, event_name: str, occurrence_key: str = "") -> uuid.UUID:
    """UUIDv5 of (click, event name, occurrence key).

    The occurrence key is empty for the first occurrence on a click, so that a thank-you page and the postback of
    the same sale agree without talking; every further one uses the network's transaction id.
    """
    return uuid.uuid5(NAMESPACE, f"{click_id}|{event_name}|{occurrence_key}")


def page_key(name: str) -> str:
    """The occurrence key of an event that a page names; where it names a person by that, its digest.

    Keys stay for as long as their events.
    """
    return name if hide_inside(name) == name else sha256(name)
