"""Events that a page calls: one Conversion each, with its event_id made here and told to the page."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from conversions.destinations import MAX_URL
from conversions.erasing import wipe_conversions
from conversions.event_ids import make_event_id, page_key
from conversions.identity import scrub_url
from conversions.models import Click, Conversion, Sighting
from conversions.page_properties import PageProperties
from conversions.signals import announce
from conversions.visitor import clean_text
from offers.models import EventRule, Network

ValueSource = EventRule.ValueSource
KEY_LENGTH = 200
# TikTok merges copies of an event for 48 hours; a copy that the browser fires after that would count again.
FIRED_NO_MORE = timedelta(hours=47)
MOST_OF_A_CLICK = 200


class TooManyEventsError(Exception):
    """A page names more events of one click than a visitor could cause."""


def page_rules(rules: list[EventRule]) -> dict[str, EventRule]:
    """The rule by which a page may call each event: its own, else the postback's that it shares an event_id with.

    A page does not know the network's word, so a rule for any word goes before one that is made for it.
    """
    ordered = sorted(rules, key=lambda rule: (rule.trigger == EventRule.Trigger.PAGE, not rule.network_event, -rule.pk))
    return {rule.event_name: rule for rule in ordered}


def page_rule(click: Click, event_name: str) -> EventRule | None:
    """The rule by which a page may call this event."""
    return page_rules(list(click.offer.event_rules.filter(event_name=event_name))).get(event_name)


def record_page_event(
    click: Click,
    rule: EventRule,
    said: PageProperties,
    page_url: str,
    referrer: str,
    now: datetime,
    key: str = "",
) -> Conversion:
    """One occurrence of an event on a click. A refreshed page and an earlier postback end at the same row.

    `key` tells several events of one name apart, such as an order number; what the page said first stands. Where it is
    the network's transaction id, the two speak of one sale. Raises TooManyEventsError for a key too many.
    """
    key = clean_text(key, KEY_LENGTH)
    occurrence_key = page_key(key)
    conversion = Conversion(
        click=click,
        offer=click.offer,
        event_name=rule.event_name,
        event_id=make_event_id(click.pk, rule.event_name, occurrence_key),
        occurrence_key=occurrence_key,
        is_test=click.is_test,
        occurred_at=now,
        created_at=now,
        **columns_of(said, page_url, referrer),
    )
    known = find(conversion)
    return known or (store_named(conversion, key) if key else store(conversion))


def columns_of(said: PageProperties, page_url: str, referrer: str) -> dict[str, Any]:
    """What a conversion keeps of a page and of what it said."""
    return {
        "page_url": clean_text(scrub_url(page_url), MAX_URL),
        "referrer": clean_text(scrub_url(referrer), MAX_URL),
        "page_value": said.value,
        "page_currency": said.currency,
        "page_properties": said.others or None,
    }


def store_named(conversion: Conversion, key: str) -> Conversion:
    """Store an event that a page has named, unless it is one that the network has told under this name.

    Such a one has no event_id in common, so the digest, which takes over facts of one network at a time, is waited
    for. Raises TooManyEventsError.
    """
    click = conversion.click
    with transaction.atomic():
        Network.objects.select_for_update(no_key=True).get(pk=click.offer.network_id)
        told = told_by_network(conversion, key)
        if told:
            return told
        if not find(conversion) and click.conversions.count() >= MOST_OF_A_CLICK:
            raise TooManyEventsError
        return store(conversion)


def told_by_network(conversion: Conversion, transaction_id: str) -> Conversion | None:
    """The sale of this transaction, if no page has named it otherwise: its key is empty then, or the digest's."""
    nameless = Q(occurrence_key="") | Q(occurrence_key__startswith=f"{transaction_id[:100]}|")
    same = conversion.click.conversions.filter(event_name=conversion.event_name, transaction_id=transaction_id)
    return same.filter(nameless).order_by("pk").first()


def store(conversion: Conversion) -> Conversion:
    """Store the event, unless it is there by now; the one that is stored."""
    with transaction.atomic():
        is_erased = lock_click(conversion.click)
        Conversion.objects.bulk_create([conversion], ignore_conflicts=True)
        transaction.on_commit(announce)
        stored = Conversion.objects.get(event_id=conversion.event_id, event_name=conversion.event_name)
        if is_erased:
            wipe_conversions([stored.pk])
    return stored


def lock_click(click: Click) -> bool:
    """Have an answer about consent and an erasure come before or after what is stored; whether it was erased by now.

    Foreign keys are checked at the commit, which would be too late to see it. A weak lock, or the digest, which comes
    to the click last, and this could wait for each other.
    """
    rows = Click.objects.select_for_update(no_key=True).filter(pk=click.pk)
    return any(rows.values_list("erased_at", flat=True))


def find(conversion: Conversion) -> Conversion | None:
    """The same event, where it is stored."""
    return Conversion.objects.filter(event_id=conversion.event_id, event_name=conversion.event_name).first()


def page_money(rule: EventRule, conversion: Conversion) -> tuple[Decimal | None, str]:
    """Value and currency that the Pixel tells: the rule's fixed one, or the page's where none is the network's."""
    if rule.value_source == ValueSource.FIXED and rule.fixed_value is not None:
        return rule.fixed_value, rule.offer.currency
    if rule.value_source == ValueSource.NONE and conversion.page_value is not None:
        return conversion.page_value, conversion.page_currency
    return None, ""


def pixel_properties(rule: EventRule, conversion: Conversion) -> dict[str, Any]:
    """What the Pixel says of the event: what both legs know, as TikTok keeps the first copy that it gets."""
    told = dict(conversion.page_properties or {})
    value, currency = page_money(rule, conversion)
    return told if value is None else {**told, "value": float(value), "currency": currency}


def may_fire(conversion: Conversion, now: datetime) -> bool:
    """Whether the browser may fire this event now: not if it did so already, nor when TikTok would count it anew."""
    if conversion.occurred_at < now - FIRED_NO_MORE:
        return False
    return all(sighting.outcome != Sighting.Outcome.FIRED for sighting in conversion.sightings.all())
