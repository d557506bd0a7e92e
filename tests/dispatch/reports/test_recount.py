"""A report of what was rolled up agrees with a count of the rows themselves."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from conversions.models import Click, Conversion, LedgerEntry
from dispatch.models import Delivery
from dispatch.reports.asking import read
from dispatch.reports.query import answer
from dispatch.rollups.keeping import roll_up
from tests.factories import make_click, make_conversion, make_delivery, make_offer

pytestmark = pytest.mark.django_db
CAMPAIGNS = ["c1", "c2", ""]


def live(seed: int) -> None:
    """Clicks of two days, some with conversions in every state, some refunded in part, some told."""
    chance, now, offer = random.Random(seed), timezone.now(), make_offer()
    for number in range(40):
        at = now - timedelta(minutes=chance.randrange(1, 2880))
        click = make_click(
            offer, created_at=at, campaign_id=chance.choice(CAMPAIGNS), robot=chance.choice(["", "", "bot"])
        )
        if number % 2:
            status = chance.choice(Conversion.Status.values)
            conversion = make_conversion(click, created_at=at, status=status, payout=Decimal(chance.randrange(999)) / 7)
            conversion.refresh_from_db()
            take_back(conversion, chance)
            accepted = {"status": "accepted", "first_sent_at": at, "accepted_at": at}
            make_delivery(conversion, **chance.choice([accepted, {"first_sent_at": at}, {}]))


def take_back(conversion: Conversion, chance: random.Random) -> None:
    if conversion.status in ("partial", "refunded"):
        LedgerEntry.objects.create(
            conversion=conversion, network=conversion.offer.network, kind="partial", key=str(conversion.pk),
            payout=-Decimal(chance.randrange(100)) / 100, currency="USD", occurred_at=conversion.occurred_at,
            created_at=conversion.created_at,
        )  # fmt: skip


def recounted(campaign: str) -> dict[str, Any]:
    """By other means: row by row, in Python."""
    clicks = Counter(bool(click.robot) for click in Click.objects.filter(campaign_id=campaign))
    conversions = list(Conversion.objects.filter(click__campaign_id=campaign))
    kept = [c for c in conversions if c.status in ("approved", "partial")]
    taken = sum(entry.payout or 0 for c in kept for entry in c.ledger_entries.all())
    told = Delivery.objects.filter(conversion__in=conversions)
    return {
        "clicks": clicks[False],
        "robots": clicks[True],
        **dict.fromkeys(Conversion.Status.values, 0),
        **Counter(c.status for c in conversions),
        "payout": sum((c.payout or 0 for c in kept), Decimal(0)) + taken,
        "pending_payout": sum((c.payout or 0 for c in conversions if c.status == "pending"), Decimal(0)),
        "sent": told.filter(first_sent_at__isnull=False).count(),
        "accepted": told.filter(status="accepted").count(),
    }


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_the_figures_of_each_campaign_are_those_of_its_rows(zone: str):
    live(seed=5)
    now = timezone.now()
    roll_up(now, seconds=60)

    found = answer(read({"by": "campaign_id", "zone": zone}, now), now)

    assert {line.key[0] for line in found.lines} == set(CAMPAIGNS)
    for line in found.lines:
        expected = recounted(line.key[0])
        money = {name: getattr(line.sums, name)["USD"] for name in ("payout", "pending_payout")}
        assert {name: money.get(name, getattr(line.sums, name)) for name in expected} == expected
