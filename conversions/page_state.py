"""What the script on a page is told of its click: enough to fire every event at once, with ids made here."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings

from conversions.event_ids import make_event_id
from conversions.models import Click, Conversion
from conversions.page_events import ValueSource, may_fire, page_rules, pixel_properties
from offers.models import EventRule


def state_of(click: Click, now: datetime) -> dict[str, Any]:
    """Plain JSON values; the shape is described in docs/pixel.md. Three queries, however many events there are."""
    rules = page_rules(list(click.offer.event_rules.all()))
    firsts = click.conversions.filter(occurrence_key="").prefetch_related("sightings")
    recorded = {conversion.event_name: conversion for conversion in firsts}
    return {
        "offer": click.offer.slug,
        "click_id": click.pk,
        "go": outbound_address(click.pk),
        "consent": click.consent,
        "may_send": click.has_consent,
        "pixel": pixel_of(click),
        "limited_data_use": click.limits_data,
        "identity": identity_of(click),
        "currency": click.offer.currency,
        "events": {name: event_of(click, rule, recorded.get(name), now) for name, rule in rules.items()},
    }


def outbound_address(name: str) -> str:
    """The link out of a click, or of an offer; on the tracking site's host, whichever site has the page."""
    return f"{settings.PUBLIC_BASE_URL}/go/{quote(name, safe='')}/"


def pixel_of(click: Click) -> dict[str, str] | None:
    """The pixel to load; None where this leg is not used, nor for what is no visitor."""
    if not click.offer.allows("pixel") or click.robot or click.erased_at:
        return None
    return {"code": click.offer.pixel.code, "src": f"{settings.TIKTOK_PIXEL_URL}/i18n/pixel/events.js"}


def identity_of(click: Click) -> dict[str, str]:
    """Match keys for `ttq.identify`, those that the offer approves; hashed here, so that both legs carry one digest."""
    offer = click.offer
    approved = {
        "sha256_email": click.email_sha256 if offer.send_email else "",
        "sha256_phone_number": click.phone_sha256 if offer.send_phone else "",
        "external_id": click.external_id if offer.send_external_id else "",
    }
    return {name: digest for name, digest in approved.items() if digest}


def event_of(click: Click, rule: EventRule, recorded: Conversion | None, now: datetime) -> dict[str, Any]:
    """What the page needs to fire the first occurrence of an event.

    `value` is "page" where the page's own is told, "none" where only the network knows it, else the fixed one.
    `recorded` has the properties that were told first. `done`: the browser must not fire it again.
    """
    return {
        "event_id": str(make_event_id(click.pk, rule.event_name)),
        "pixel": rule.uses("pixel"),
        "value": value_of(rule),
        "recorded": pixel_properties(rule, recorded) if recorded else None,
        "done": recorded is not None and not may_fire(recorded, now),
    }


def value_of(rule: EventRule) -> str | dict[str, Any]:
    if rule.value_source == ValueSource.FIXED and rule.fixed_value is not None:
        return {"value": float(rule.fixed_value), "currency": rule.offer.currency}
    return "page" if rule.value_source == ValueSource.NONE else "none"
