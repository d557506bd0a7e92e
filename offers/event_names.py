"""Which TikTok event names a rule may use, and why not the others."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError

from offers.vocabulary import RENAMED_EVENTS, StandardEvent

CAMPAIGN_LIKE = re.compile(r"\d|[_\-|/]|campaign|promo|sale\b|test|offer|funnel|tiktok|pixel", re.IGNORECASE)
CUSTOM_NAME = re.compile(r"[A-Za-z][A-Za-z ]{1,49}")


def validate_event_name(name: str) -> None:
    """Refuse with a reason every name that TikTok can't optimise for. Raises ValidationError."""
    if name in StandardEvent.values:
        return
    if name in RENAMED_EVENTS:
        raise ValidationError(
            f"TikTok renamed {name} to {RENAMED_EVENTS[name]} in May 2025. Use the new name.", "renamed"
        )
    same = next((known for known in StandardEvent.values if known.lower() == name.lower()), None)
    if same:
        raise ValidationError(f"Event names are case-sensitive: write {same}.", "case")
    if CAMPAIGN_LIKE.search(name):
        raise ValidationError(
            f"“{name}” looks like the name of a campaign. An event says what the visitor did; TikTok can't optimise "
            "for a name that changes with each campaign. Choose a standard event; keep campaigns in UTM parameters.",
            "campaign_like",
        )
    if not settings.ALLOW_CUSTOM_EVENT_NAMES or not CUSTOM_NAME.fullmatch(name):
        raise ValidationError(
            f"“{name}” is not a standard TikTok event, so TikTok can't optimise for it. Choose one of: "
            + ", ".join(StandardEvent.values)
            + ".",
            "not_standard",
        )
