"""Plain functions that make rows for tests; a test names only what it is about."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg.errors
from django.db import InternalError
from django.utils import timezone

from conversions.models import Click, Conversion, Postback
from conversions.page_events import page_rule, record_page_event
from conversions.page_properties import read_properties
from dispatch.models import Credential, Delivery, DeliveryAttempt
from offers.models import EventRule, Network, Offer, Pixel

TOKEN = "a-token-of-at-least-16-characters"


def make_network(**fields: Any) -> Network:
    fields.setdefault("slug", f"network-{uuid.uuid4().hex[:8]}")
    fields.setdefault("name", "A network")
    return Network.objects.create(**fields)


def make_pixel(**fields: Any) -> Pixel:
    fields.setdefault("code", f"C{uuid.uuid4().hex[:19].upper()}")
    fields.setdefault("name", "A pixel")
    return Pixel.objects.create(**fields)


def make_offer(rules: list[dict[str, Any]] | None = None, **fields: Any) -> Offer:
    """An offer that needs no consent and tells an approved postback as a Purchase with the payout."""
    fields.setdefault("slug", f"offer-{uuid.uuid4().hex[:8]}")
    fields.setdefault("name", "An offer")
    fields.setdefault("landing_url", "https://landing.example/page")
    fields.setdefault("offer_url", "https://network.example/offer?sub={click_id}")
    fields.setdefault("payout", Decimal("40.00"))
    fields.setdefault("consent_required", False)
    offer = Offer.objects.create(
        network=fields.pop("network", None) or make_network(), pixel=fields.pop("pixel", None) or make_pixel(), **fields
    )
    for rule in rules or [{"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}]:
        EventRule.objects.create(offer=offer, **rule)
    return offer


def make_click(offer: Offer | None = None, **fields: Any) -> Click:
    fields.setdefault("created_at", timezone.now())
    fields.setdefault("landing_url", "https://landing.example/page?ttclid=E.C.P.abc")
    fields.setdefault("ttclid", "E.C.P.abc")
    fields.setdefault("ip", "198.51.100.7")
    fields.setdefault("user_agent", "Mozilla/5.0 (test)")
    return Click.objects.create(offer=offer or make_offer(), **fields)


def call_page_event(click: Click, event_name: str, now: datetime | None = None, **page: Any) -> Conversion:
    """What a page of the click's offer does when it calls an event; the offer needs a rule for it."""
    rule = page_rule(click, event_name)
    assert rule is not None
    said = read_properties(page.pop("said", {}), click.offer.currency)
    url = page.pop("page_url", "https://landing.example/thanks")
    return record_page_event(click, rule, said, url, "", now or timezone.now(), **page)


def make_postback(network: Network, params: dict[str, str], **fields: Any) -> Postback:
    """A stored postback that waits to be digested."""
    now = fields.pop("received_at", None) or timezone.now()
    return Postback.objects.create(network=network, params=params, method="GET", received_at=now, due_at=now, **fields)


def make_conversion(click: Click | None = None, **fields: Any) -> Conversion:
    """An approved Purchase that nobody has planned yet."""
    click = click or make_click()
    now = timezone.now()
    defaults: dict[str, Any] = {
        "event_name": "Purchase",
        "event_id": uuid.uuid4(),
        "status": Conversion.Status.APPROVED,
        "payout": Decimal("40.00"),
        "currency": "USD",
        "occurred_at": now,
        "created_at": now,
        "page_url": click.landing_url,
    }
    return Conversion.objects.create(click=click, offer=click.offer, **{**defaults, **fields})


def make_delivery(conversion: Conversion | None = None, **fields: Any) -> Delivery:
    """A delivery that is due now."""
    conversion = conversion or make_conversion()
    now = timezone.now()
    defaults: dict[str, Any] = {
        "pixel": conversion.offer.pixel,
        "event_name": conversion.event_name,
        "event_id": conversion.event_id,
        "next_attempt_at": now,
        "created_at": now,
    }
    conversion.planned_at = now
    conversion.save(update_fields=["planned_at"])
    return Delivery.objects.create(conversion=conversion, **{**defaults, **fields})


def make_credential(pixel: Pixel, token: str = TOKEN, **fields: Any) -> Credential:
    """An active credential of the pixel."""
    now: datetime = timezone.now()
    fields.setdefault("state", Credential.State.ACTIVE)
    credential = Credential(pixel=pixel, token=token, created_at=now, **fields)
    credential.identify()
    credential.save()
    return credential


def standby_error() -> InternalError:
    """What Django raises for a write to the standby that was the primary a moment ago."""
    error = InternalError("cannot execute UPDATE in a read-only transaction")
    error.__cause__ = psycopg.errors.ReadOnlySqlTransaction()
    return error


def make_attempt(delivery: Delivery, **fields: Any) -> DeliveryAttempt:
    """An accepted try to send the delivery."""
    defaults = {"request": uuid.uuid4(), "batch_size": 1, "started_at": timezone.now(), "duration_ms": 5}
    return DeliveryAttempt.objects.create(delivery=delivery, **{**defaults, "verdict": "accepted", **fields})
