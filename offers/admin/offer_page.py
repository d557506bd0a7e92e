"""The offer editor in words: its fieldsets, and what is said about an offer above them."""

from offers.link_tokens import TOKENS
from offers.linting import lint_offer_link
from offers.models import EventRule, Offer

TOKEN_HELP = (
    "Tokens in the two links are replaced for each click: " + ", ".join(f"{{{token}}}" for token in TOKENS) + "."
)
FIELDSETS = [
    ("What and where", {
        "fields": [("name", "slug"), ("network", "pixel"), "landing_url", "offer_url", "is_active"],
        "description": "The tracking link leads to the landing page, its button to the offer link. " + TOKEN_HELP,
    }),
    ("Money", {
        "fields": [("payout", "currency")],
        "description": "What the network's postback says comes first; this stands in when it says nothing.",
    }),
    ("Tracking", {
        "fields": ["tracking_mode"],
        "description": "Both legs carry the same event_id, so TikTok counts an event once however often it hears of "
        "it. The event rules below decide which events there are.",
    }),
    ("Pages", {
        "fields": ["page_hosts"],
        "description": "The one-line script, which is ready to copy above, works on any page. People copy landing "
        "pages with everything in them: enter the hosts of yours, and what a copy reports is refused. Tags need no "
        "entry: Django renders them itself.",
    }),
    ("Consent", {
        "fields": ["consent_required", "consent_countries", "limited_data_places"],
        "description": "Whoever has to agree is told of to TikTok after they have agreed, on either leg, and never "
        "again once they refuse. A refusal counts everywhere, also where nobody has to be asked. The country comes "
        "from your proxy (COUNTRY_HEADER and REGION_HEADER in the settings); without it nobody's country is known.",
    }),
    ("Identity", {
        "fields": [("send_email", "send_phone", "send_external_id")],
        "description": "What helps TikTok to find the person behind an event. E-mail addresses and phone numbers are "
        "hashed when they arrive and never kept in clear; both legs carry the same digest. Tick only what your privacy "
        "policy covers.",
    }),
    ("Caps", {
        "fields": [("daily_cap", "total_cap"), ("cap_time_zone", "fallback_offer")],
        "description": "How many sales the network pays for. Once that many are recorded, the tracking link leads to "
        "the fallback offer. Who has come before goes on to this offer, and each postback is still recorded.",
    }),
    ("Notes", {"fields": ["notes"], "description": "For your team. Visitors never see them."}),
]  # fmt: skip
OF_PAGE = (EventRule.ValueSource.FIXED, EventRule.ValueSource.NONE)
NO_RULES = (
    "This offer has no event rules yet, so its postbacks end as “No event rule” and TikTok is told nothing. "
    "Add one below."
)
INACTIVE = "This offer is inactive: its links get a 404. Its postbacks are still recorded."
NO_FALLBACK = (
    "This offer has a cap but no fallback offer: once the cap is reached, its tracking link goes on leading here, for "
    "sales that the network may not pay."
)
CLOSED_FALLBACK = "The fallback offer “{}” is inactive, so it can't stand in once the cap is reached."


PIXEL_FIRST = (
    "{event}: the postback's rule replaces the value by the {by}, but a value that the page has goes first: the Pixel "
    "tells it, and TikTok keeps the first copy. For the {by} to be told, have the page's rule use the Events API only."
)


def warnings_of(offer: Offer, rules: list[EventRule]) -> list[str]:
    """What needs a person, above the fields."""
    standing = ([] if rules else [NO_RULES]) + ([] if offer.is_active else [INACTIVE])
    return standing + cap_warnings(offer) + link_warnings(offer) + value_warnings(rules)


def value_warnings(rules: list[EventRule]) -> list[str]:
    """Replacements of a value that the Pixel may tell before them."""
    by_page = [rule for rule in rules if rule.trigger == EventRule.Trigger.PAGE and rule.uses("pixel")]
    first = {rule.event_name for rule in by_page if rule.value_source in OF_PAGE}
    replacing = [rule for rule in rules if rule.replaced_by and rule.event_name in first]
    return [PIXEL_FIRST.format(event=rule.event_name, by=rule.get_replaced_by_display().lower()) for rule in replacing]


def cap_warnings(offer: Offer) -> list[str]:
    """What would go wrong once a cap is reached."""
    if offer.daily_cap is None and offer.total_cap is None:
        return []
    if offer.fallback_offer is None:
        return [NO_FALLBACK]
    return [] if offer.fallback_offer.is_active else [CLOSED_FALLBACK.format(offer.fallback_offer)]


def link_warnings(offer: Offer) -> list[str]:
    """What may lose our click id on the way through the offer link."""
    return [f"Offer link: {finding.words}" for finding in lint_offer_link(offer.offer_url, offer.network)]
