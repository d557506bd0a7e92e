"""One conversion as TikTok wants to hear it. Built from the rows at send time: a repaired offer repairs its queue."""

from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from conversions.identity import sha256
from conversions.models import Conversion
from conversions.visitor import visitor_ip
from dispatch.money import Told
from dispatch.tiktok.contract import VERSION, Event, Page, Properties, User, check_event
from offers.models import EventRule

ValueSource = EventRule.ValueSource
VISIBLE_OF_DIGEST = 6


def build_event(conversion: Conversion, rule: EventRule, now: datetime, told: Told | None = None) -> Event:
    """The event, complete and checked, with the money as it is told. Raises ContractError with the reason."""
    event: Event = {
        "event": conversion.event_name,
        "event_time": int(conversion.occurred_at.timestamp()),
        "event_id": str(conversion.event_id),
        "user": build_user(conversion),
        "page": build_page(conversion),
    }
    properties = build_properties(told or reported(conversion, rule))
    if properties:
        event["properties"] = properties
    check_event(event, now)
    return event


def build_user(conversion: Conversion) -> User:
    """The match keys that the visitor's click gave and the offer's policy approves; empty ones are left out."""
    click, offer = conversion.click, conversion.offer
    user = User(
        ttclid=click.ttclid,
        ttp=click.ttp,
        ip=visitor_ip(click.ip),
        user_agent=click.user_agent,
        email=[conversion.email_sha256] if offer.send_email and conversion.email_sha256 else [],
        phone=[conversion.phone_sha256] if offer.send_phone and conversion.phone_sha256 else [],
        external_id=[sha256(click.pk)] if offer.send_external_id else [],
    )
    return cast(User, {key: value for key, value in user.items() if value})


def build_page(conversion: Conversion) -> Page:
    page = Page(url=conversion.page_url or conversion.click.landing_url)
    if conversion.referrer.startswith(("http://", "https://")):
        page["referrer"] = conversion.referrer
    return page


def reported(conversion: Conversion, rule: EventRule) -> Told:
    """Value and currency as the rule says and the network sent them; no value when there is none to tell."""
    values: dict[str, tuple[Decimal | None, str]] = {
        ValueSource.PAYOUT: (conversion.payout, conversion.currency),
        ValueSource.AMOUNT: (conversion.amount, conversion.currency),
        ValueSource.FIXED: (rule.fixed_value, conversion.offer.currency),
    }
    value, currency = values.get(rule.value_source, (None, ""))
    return Told(value, currency)


def build_properties(told: Told) -> Properties:
    return Properties() if told.value is None else Properties(value=float(told.value), currency=told.currency)


def redacted(event: Event) -> dict[str, Any]:
    """The event for the record: digests and the click's identifiers shortened, and the contract's version."""
    user = {key: shorten(key, value) for key, value in event["user"].items()}
    return {**event, "user": user, "contract": VERSION}


def shorten(key: str, value: Any) -> Any:
    if key == "user_agent":
        return value
    if key == "ip":
        return value.rpartition(":" if ":" in value else ".")[0] + "…"
    return [shorten("", item) for item in value] if isinstance(value, list) else value[:VISIBLE_OF_DIGEST] + "…"
