"""One conversion as TikTok wants to hear it. Built from the rows at send time: a repaired offer repairs its queue."""

from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from conversions.identity import sha256
from conversions.models import Conversion
from conversions.page_events import page_money
from conversions.visitor import visitor_ip
from dispatch.money import Told
from dispatch.tiktok.contract import VERSION, Event, Page, Properties, User, check_event
from dispatch.valuing import NOT_SENT, PIXEL, Sent, as_recorded, replaced
from offers.models import EventRule

ValueSource = EventRule.ValueSource
NOTHING = Told(None, "")
VISIBLE_OF_DIGEST = 6


def build_event(conversion: Conversion, now: datetime, told: Told) -> Event:
    """The event, complete and checked, with the money as it is told. Raises ContractError with the reason."""
    event: Event = {
        "event": conversion.event_name,
        "event_time": int(conversion.occurred_at.timestamp()),
        "event_id": str(conversion.event_id),
        "user": build_user(conversion),
        "page": build_page(conversion),
    }
    properties = build_properties(conversion, told)
    if properties:
        event["properties"] = properties
    if conversion.click.limits_data:
        event["limited_data_use"] = True
    check_event(event, now)
    return event


def build_user(conversion: Conversion) -> User:
    """The match keys that the visitor's click gave and the offer's policy approves; empty ones are left out.

    The Pixel has told events before it learned the page's own id, so the id that it used then is told here, too.
    """
    click, offer = conversion.click, conversion.offer
    user = User(
        ttclid=click.ttclid,
        ttp=click.ttp,
        ip=visitor_ip(click.ip),
        user_agent=click.user_agent,
        email=digests(click.email_sha256, conversion.email_sha256) if offer.send_email else [],
        phone=digests(click.phone_sha256, conversion.phone_sha256) if offer.send_phone else [],
        external_id=digests(click.external_id_sha256, sha256(click.pk)) if offer.send_external_id else [],
    )
    return cast(User, {key: value for key, value in user.items() if value})


def digests(*found: str) -> list[str]:
    """Those that are there, each once: what the page told, as the Pixel does, then what the network told."""
    return list(dict.fromkeys(filter(None, found)))


def build_page(conversion: Conversion) -> Page:
    page = Page(url=conversion.page_url or conversion.click.landing_url)
    if conversion.referrer.startswith(("http://", "https://")):
        page["referrer"] = conversion.referrer
    return page


def reported(conversion: Conversion, rule: EventRule, page: EventRule, sent: Sent = NOT_SENT) -> Told:
    """Value and currency as the rule says and network or page sent them; no value when there is none to tell.

    `page` is the rule by which a page calls the event. A value that the Pixel tells by it goes before any other:
    TikTok keeps the first copy, so another value here would contradict it, or be wrong on our record only. Else what
    is known beside the money replaces it where the rule says so; where TikTok may hold a copy, as that was told.
    """
    by_pixel = Told(*page_money(page, conversion)) if is_told_by_pixel(conversion, page) else NOTHING
    goes_first = by_pixel.value is not None
    told = by_pixel if goes_first else by_rule(conversion, rule)
    if sent.is_there:
        return as_recorded(told, sent.valued)
    return replaced(told, conversion, rule, refused=PIXEL if goes_first else "")


def by_rule(conversion: Conversion, rule: EventRule) -> Told:
    """What the rule's own source has."""
    values: dict[str, tuple[Decimal | None, str]] = {
        ValueSource.PAYOUT: (conversion.payout, conversion.currency),
        ValueSource.AMOUNT: (conversion.amount, conversion.currency),
    }
    return Told(*values.get(rule.value_source, page_money(rule, conversion)))


def is_told_by_pixel(conversion: Conversion, page: EventRule) -> bool:
    """Whether a page has called the event, or is expected to, and the Pixel tells it.

    Expected is what has a rule of its own for pages, and of that the first occurrence on a click: further sales and
    upsells are the network's.
    """
    has_called = conversion.page_value is not None or bool(conversion.page_properties)
    is_expected = page.trigger == EventRule.Trigger.PAGE and not conversion.occurrence_key
    return page.uses("pixel") and (has_called or is_expected)


def build_properties(conversion: Conversion, told: Told) -> Properties:
    """What the page said, and the money."""
    properties = cast(Properties, dict(conversion.page_properties or {}))
    if told.value is not None:
        properties["value"], properties["currency"] = float(told.value), told.currency
    return properties


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
