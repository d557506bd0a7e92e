"""What an exported row says. What tells who somebody is comes last, and only if it is asked for."""

from conversions.exporting import Column, without_query


def yes_or_no(value: object) -> str:
    return "yes" if value else "no"


def visitor(path: str = "") -> list[Column]:
    """The visitor of a click that is found under `path`."""
    return [
        Column("ttclid", f"{path}ttclid", is_personal=True),
        Column("_ttp", f"{path}ttp", is_personal=True),
        Column("IP address", f"{path}ip", is_personal=True),
        Column("Browser", f"{path}user_agent", is_personal=True),
    ]


def hashes(path: str = "") -> list[Column]:
    """The digests that a conversion found under `path` carries."""
    return [
        Column("E-mail (SHA-256)", f"{path}email_sha256", is_personal=True),
        Column("Phone (SHA-256)", f"{path}phone_sha256", is_personal=True),
    ]


def from_page(path: str = "") -> list[Column]:
    """The digests that the visitor's pages gave, with a click that is found under `path`."""
    return [
        Column("E-mail from the page (SHA-256)", f"{path}email_sha256", is_personal=True),
        Column("Phone from the page (SHA-256)", f"{path}phone_sha256", is_personal=True),
        Column("External id (SHA-256)", f"{path}external_id_sha256", is_personal=True),
    ]


CONVERSIONS = [
    Column("event_id", "event_id"),
    Column("Event", "event_name"),
    Column("Kind", "kind"),
    Column("Status", "status"),
    Column("Payout", "payout"),
    Column("Sale amount", "amount"),
    Column("Currency", "currency"),
    Column("Offer", "offer__name"),
    Column("Network", "offer__network__name"),
    Column("Click id", "click_id"),
    Column("Transaction id", "transaction_id"),
    Column("Network event", "network_event"),
    Column("Happened", "occurred_at", is_time=True),
    Column("Recorded", "created_at", is_time=True),
    Column("Page", "page_url", without_query),
    Column("Value the page gave", "page_value"),
    Column("Its currency", "page_currency"),
    Column("Margin", "margin"),
    Column("Lifetime value", "lifetime_value"),
    Column("Segment", "segment"),
    Column("Lead quality", "lead_quality"),
    Column("Country", "click__country"),
    Column("Robot", "click__robot"),
    Column("Consent", "click__consent"),
    Column("Consent source", "click__consent_source"),
    Column("Campaign id", "click__campaign_id"),
    Column("Ad group id", "click__adgroup_id"),
    Column("Ad id", "click__ad_id"),
    Column("UTM source", "click__utm_source"),
    Column("UTM campaign", "click__utm_campaign"),
    Column("Test", "is_test", yes_or_no),
    *hashes(),
    *from_page("click__"),
    *visitor("click__"),
    Column("Page with its query", "page_url", is_personal=True),
    Column("Came from", "referrer", is_personal=True),
]

CLICKS = [
    Column("Click id", "id"),
    Column("Arrived", "created_at", is_time=True),
    Column("Offer", "offer__name"),
    Column("Has ttclid", "ttclid", yes_or_no),
    Column("Consent", "consent"),
    Column("Answered", "consent_at", is_time=True),
    Column("Consent source", "consent_source"),
    Column("Country", "country"),
    Column("Region", "region"),
    Column("Robot", "robot"),
    Column("Sent on by", "capped_offer__name"),
    Column("Erased", "erased_at", is_time=True),
    Column("Campaign id", "campaign_id"),
    Column("Ad group id", "adgroup_id"),
    Column("Ad id", "ad_id"),
    Column("Creative id", "creative_id"),
    Column("Placement", "placement"),
    Column("UTM source", "utm_source"),
    Column("UTM medium", "utm_medium"),
    Column("UTM campaign", "utm_campaign"),
    Column("UTM content", "utm_content"),
    Column("UTM term", "utm_term"),
    Column("Landing version", "landing_version"),
    Column("Variant", "variant"),
    Column("Landing page", "landing_url", without_query),
    Column("Test", "is_test", yes_or_no),
    *from_page(),
    *visitor(),
    Column("Landing page with its query", "landing_url", is_personal=True),
    Column("Came from", "referrer", is_personal=True),
]

ANSWERS = [
    Column("Click id", "click_id"),
    Column("Offer", "offer__name"),
    Column("Answer", "state"),
    Column("Answered", "created_at", is_time=True),
    Column("Source", "source"),
    Column("Was required", "was_required", yes_or_no),
    Column("Page", "page_url", without_query),
    Column("Overtaken", "was_overtaken", yes_or_no),
    Column("Page with its query", "page_url", is_personal=True),
]
