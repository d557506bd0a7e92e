"""Sales that are refunded, charged back, or rejected after they had been approved."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions.models import Conversion, LedgerEntry
from dispatch.findings.finding import Code, Finding
from dispatch.findings.sight import Sight
from dispatch.findings.taken_back import lately
from offers.models import Offer
from tests.dispatch.findings.slots import hours_before, purchases, sold
from tests.factories import make_click, make_conversion, make_offer

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer() -> Offer:
    return make_offer(name="Lamp")


def take_back(
    offer: Offer, count: int, status: str = "refunded", hours: float = 1, noted: float = 0, **said: Any
) -> None:
    """Sales of `hours` ago that were taken back `noted` hours ago."""
    now = timezone.now()
    for _ in range(count):
        sale = make_conversion(
            make_click(offer), status=status, payout=40, currency="USD", created_at=hours_before(now, hours)
        )
        note(sale, "approved", sale.created_at, payout=40)
        note(sale, status, now - timedelta(hours=noted), **said)


def note(sale: Any, kind: str, moment: datetime, **said: Any) -> None:
    LedgerEntry.objects.create(
        conversion=sale, network=sale.offer.network, kind=kind, key=f"{kind} {sale.pk}",
        occurred_at=moment, created_at=moment, **{"currency": "USD", **said},
    )  # fmt: skip


def found() -> list[Finding]:
    return list(lately(Sight(timezone.now())))


@pytest.mark.parametrize("hours", [2, 20, 60])
@pytest.mark.parametrize(
    ("approved", "refunded", "tones"),
    [
        (20, 70, ["bad"]),
        (20, 10, ["bad"]),
        (20, 9, ["warn"]),
        (160, 40, ["warn"]),
        (161, 40, []),
        (38, 12, ["warn"]),
        (39, 11, []),
        (95, 5, []),
        (85, 15, []),
        (0, 4, []),
        (2, 1, []),
        (0, 5, ["bad"]),
        (90, 0, []),
    ],
)
def test_it_is_found_from_a_share_on_that_is_not_usual(
    offer: Offer, hours: int, approved: int, refunded: int, tones: list[str]
):
    sold(offer, timezone.now(), hours=hours, **purchases(approved, refunded=refunded))

    assert [(each.code, each.tone) for each in found()] == [(Code.SALES_TAKEN_BACK, tone) for tone in tones]


def test_it_says_what_became_of_how_many(offer: Offer):
    take_back(offer, 4, "rejected")
    take_back(offer, 4, "partial", payout=-10)
    sold(offer, timezone.now(), **purchases(30, refunded=6, chargeback=2, partial=4, rejected=4))

    [finding] = found()

    assert finding.title == "Sales of Lamp are taken back: 28.3\xa0%"
    assert finding.words.startswith(
        "Of 46 sales (Purchase) of the last 24 hours: 6 refunded, 2 charged back, 4 rejected after they had "
        "been approved, 4 refunded in part, worth 1.0 sales. Ask the network why"
    )
    assert (finding.tone, finding.target, finding.do) == ("warn", "below 20\xa0%", "See them")


def test_what_is_rejected_before_it_was_approved_was_never_a_sale(offer: Offer):
    take_back(offer, 20, "rejected")
    LedgerEntry.objects.filter(kind="approved").update(kind="pending")
    sold(offer, timezone.now(), **purchases(30, rejected=20))

    assert found() == []


@pytest.mark.parametrize(
    ("payout", "tones"), [(Decimal(-2), []), (Decimal(-14), ["warn"]), (Decimal(-30), ["bad"]), (None, ["bad"])]
)
def test_a_refund_of_a_part_counts_as_that_part(offer: Offer, payout: Decimal | None, tones: list[str]):
    take_back(offer, 20, "partial", payout=payout)
    sold(offer, timezone.now(), **purchases(5, partial=20))

    assert [each.tone for each in found()] == tones


@pytest.mark.parametrize(("noted", "tones"), [(1, ["bad"]), (23, ["bad"]), (30, [])])
def test_an_old_sale_is_compared_with_the_sales_of_its_day_while_that_is_new(
    offer: Offer, noted: int, tones: list[str]
):
    take_back(offer, 10, hours=24 * 20, noted=noted)
    sold(offer, timezone.now(), hours=24 * 20, **purchases(12, refunded=10))
    sold(offer, timezone.now(), **purchases(900))

    assert [each.tone for each in found()] == tones


def test_a_month_that_is_settled_at_once_is_compared_with_a_month(offer: Offer):
    for days in range(5, 35):
        take_back(offer, 2, hours=24 * days)
        sold(offer, timezone.now(), hours=24 * days, **purchases(18, refunded=2))
    sold(offer, timezone.now(), **purchases(10))

    assert found() == []


def test_a_stray_refund_does_not_hide_a_bad_day(offer: Offer):
    take_back(offer, 1, hours=24 * 50)
    take_back(offer, 9, hours=24 * 9)
    for days in range(5, 55):
        sold(offer, timezone.now(), hours=24 * days, **purchases(12, refunded=9 if days == 9 else 0))

    [finding] = found()

    day = hours_before(timezone.now(), 24 * 9)
    assert finding.words.startswith(f"Of 21 sales (Purchase) of {day:%Y-%m-%d} (UTC): 9 refunded. ")


def test_one_event_does_not_hide_another(offer: Offer):
    sold(offer, timezone.now(), **{**purchases(900), "event_name": "SubmitForm"})
    sold(offer, timezone.now(), **purchases(10, refunded=10))

    assert [each.value for each in found()] == ["50\xa0%"]


def test_it_is_over_when_the_sales_that_were_taken_back_are_three_days_old(offer: Offer):
    take_back(offer, 70, hours=76, noted=70)
    sold(offer, timezone.now(), hours=76, **purchases(20, refunded=70))
    sold(offer, timezone.now(), **purchases(30, refunded=3))

    assert found() == []


def test_tests_and_inactive_offers_are_left_out(offer: Offer):
    inactive = make_offer(is_active=False)
    sold(inactive, timezone.now(), **purchases(0, refunded=20))
    take_back(offer, 20, hours=24 * 9)
    Conversion.objects.update(is_test=True)

    assert found() == []


def test_it_leads_to_these_sales(offer: Offer, client: Client, admin_user: AbstractUser):
    take_back(offer, 6)
    make_conversion(make_click(offer), created_at=hours_before(timezone.now(), 1))
    take_back(make_offer(), 1)
    sold(offer, timezone.now(), **purchases(1, refunded=6))
    client.force_login(admin_user)

    shown = client.get(found()[0].link).context["cl"].queryset

    assert {(each.offer, each.status) for each in shown} == {(offer, "refunded")}
    assert shown.count() == 6


def test_the_number_of_queries_does_not_grow_with_offers_or_days():
    def queries_of(count: int) -> int:
        for _ in range(count):
            offer = make_offer()
            take_back(offer, 6, hours=24 * 9)
            sold(offer, timezone.now(), hours=24 * 9, **purchases(1, refunded=6))
            sold(offer, timezone.now(), **purchases(1, refunded=6))
        with CaptureQueriesContext(connection) as captured:
            assert found()
        return len(captured)

    assert queries_of(1) == queries_of(3) == 4  # one of them reads the offers
