"""Long queues of due deliveries, made fast."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from conversions.click_ids import new_click_id
from conversions.models import Click, Conversion
from dispatch.models import Delivery
from offers.models import Offer, Pixel
from tests.factories import make_credential, make_offer

AT_ONCE = 5000
USER_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)


def make_sending_offer() -> Offer:
    """An offer whose pixel has an active credential."""
    offer = make_offer()
    make_credential(offer.pixel)
    return offer


def fill(offer: Offer, count: int, due_at: datetime | None = None) -> Pixel:
    """So many deliveries, each of a click and a conversion of its own, as they are when a sale has been planned."""
    for start in range(0, count, AT_ONCE):
        make_deliveries(offer, min(AT_ONCE, count - start), due_at or timezone.now())
    return offer.pixel


def make_deliveries(offer: Offer, count: int, now: datetime) -> None:
    clicks = Click.objects.bulk_create(make_click(offer, now) for _ in range(count))
    conversions = Conversion.objects.bulk_create(make_conversion(click, now) for click in clicks)
    Delivery.objects.bulk_create(
        Delivery(
            conversion=conversion,
            pixel=offer.pixel,
            event_name=conversion.event_name,
            event_id=conversion.event_id,
            next_attempt_at=now,
            created_at=now,
        )
        for conversion in conversions
    )


def make_click(offer: Offer, now: datetime) -> Click:
    return Click(
        pk=new_click_id(),
        offer=offer,
        created_at=now,
        landing_url=f"https://landing.example/page?ttclid=E.C.P.{uuid.uuid4().hex}",
        ttclid=f"E.C.P.{uuid.uuid4().hex * 3}",
        ttp=uuid.uuid4().hex,
        ip="198.51.100.7",
        user_agent=USER_AGENT,
    )


def make_conversion(click: Click, now: datetime) -> Conversion:
    return Conversion(
        click=click,
        offer=click.offer,
        event_name="Purchase",
        event_id=uuid.uuid4(),
        status=Conversion.Status.APPROVED,
        payout=Decimal("40.00"),
        currency="USD",
        occurred_at=now,
        created_at=now,
        planned_at=now,
        page_url=click.landing_url,
        transaction_id=uuid.uuid4().hex,
    )


def flood(offer: Offer, count: int) -> Pixel:
    """So many due deliveries of one conversion, made by the database itself: what matters is how many there are."""
    conversion = make_conversion(make_click(offer, timezone.now()), timezone.now())
    conversion.click.save()
    conversion.save()
    made = {
        "postgresql": ("gen_random_uuid()", "now() - interval '1 second' * (n %% 600)"),
        "sqlite": (
            "lower(hex(randomblob(16)))",
            "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-' || (n %% 600) || ' seconds')",
        ),
    }
    event_id, due_at = made[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(FLOOD.format(event_id=event_id, due_at=due_at), [count, conversion.pk, offer.pixel_id])
        cursor.execute("ANALYZE")
    return offer.pixel


FLOOD = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s)
INSERT INTO dispatch_delivery (conversion_id, pixel_id, event_name, event_id, status, reason, detail, next_attempt_at,
    attempts, claims, maybe_accepted, created_at, decision)
SELECT %s, %s, 'Purchase', {event_id}, 'waiting', '', '', {due_at}, 0, 0, false, {due_at}, '' FROM numbers
"""
