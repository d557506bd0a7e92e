"""Events that a page calls: one Conversion each, with its event_id made here and printed into the page."""

from datetime import datetime

from django.db import transaction

from conversions.arrival import MAX_URL
from conversions.event_ids import make_event_id
from conversions.identity import scrub_url
from conversions.models import Click, Conversion
from conversions.signals import announce
from conversions.visitor import clean_text
from offers.models import EventRule


def page_rule(click: Click, event_name: str) -> EventRule | None:
    """The rule by which a page may call this event: its own, else the postback's that it shares an event_id with."""
    rules = list(click.offer.event_rules.filter(event_name=event_name))
    rules.sort(key=lambda rule: rule.trigger != EventRule.Trigger.PAGE)
    return rules[0] if rules else None


def record_page_event(click: Click, event_name: str, page_url: str, referrer: str, now: datetime) -> Conversion:
    """The first occurrence of an event on a click. A refreshed page and an earlier postback end at the same row."""
    event_id = make_event_id(click.pk, event_name)
    known = Conversion.objects.filter(event_id=event_id, event_name=event_name).first()
    if known:
        return known
    conversion = Conversion(
        click=click,
        offer=click.offer,
        event_name=event_name,
        event_id=event_id,
        occurred_at=now,
        page_url=clean_text(scrub_url(page_url), MAX_URL),
        referrer=clean_text(scrub_url(referrer), MAX_URL),
        created_at=now,
    )
    Conversion.objects.bulk_create([conversion], ignore_conflicts=True)
    transaction.on_commit(announce)
    return Conversion.objects.get(event_id=event_id, event_name=event_name)
