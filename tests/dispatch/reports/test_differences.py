"""Why other people's figures are not ours: every conversion in one class, and all classes adding up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from conversions.models import Conversion, LedgerEntry, Sighting, Upload, UploadRow
from conversions.outcomes import Outcome
from dispatch import clock
from dispatch.models import Delivery
from dispatch.reasons import Reason
from dispatch.reports.asking import read
from dispatch.reports.network_differences import Theirs, network_differences
from dispatch.reports.tiktok_differences import tiktok_differences
from offers.models import Offer
from tests.dispatch.reports.slots import NOW
from tests.factories import make_click, make_conversion, make_delivery, make_offer, make_postback
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
IN, BEFORE, AFTER = (datetime(2026, 11, day, 12, tzinfo=UTC) for day in (10, 8, 12))
PERIOD = read({"period": "own", "since": "2026-11-09", "until": "2026-11-11"}, NOW).period
USUAL = frozenset({"approved", "partial", "pending"})
DATES = {"period": "own", "since": "2026-11-09", "until": "2026-11-11"}
MAY = ("dispatch.view_report", "conversions.view_conversion", "conversions.view_upload", "dispatch.view_delivery")


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def sale(offer: Offer, recorded: datetime = IN, happened: datetime = IN, **fields: Any) -> Conversion:
    click = make_click(offer, created_at=fields.pop("clicked", happened - timedelta(days=1)))
    return make_conversion(click, created_at=recorded, occurred_at=happened, **fields)


def theirs(count: int, payout: int | str = 0, counted: frozenset[str] = USUAL) -> Theirs:
    return Theirs(count, Decimal(payout), "USD", counted)


def test_each_conversion_that_one_side_counts_alone_is_in_one_class_and_all_add_up():
    offer = make_offer()
    sale(offer)
    sale(offer, status="pending")
    sale(offer, recorded=AFTER)
    sale(offer, happened=BEFORE)
    sale(offer, status="rejected", payout=Decimal(15))
    sale(offer, status="refunded")
    sale(offer, status="tracked", payout=None)
    sale(offer, is_test=True)
    sale(offer, transaction_id="T1")
    sale(offer, transaction_id="T1")
    sale(make_offer())
    counted = frozenset({"approved", "partial", "rejected"})

    found = network_differences(offer, PERIOD, theirs(8, 300, counted))

    counts = {name: (amount.count, amount.payout) for name, amount in found.classes.items() if amount.count}
    assert (found.ours.count, found.ours.payout) == (5, Decimal(200))
    assert counts == {
        "pending": (-1, -40), "late": (1, 40), "early": (-1, -40), "rejected": (1, 15), "duplicates": (-1, -40),
    }  # fmt: skip
    assert found.ours.count + sum(count for count, _ in counts.values()) + found.unexplained.count == 8
    assert found.ours.payout + sum(payout for _, payout in counts.values()) + found.unexplained.payout == 300


def test_what_was_refunded_in_part_is_off_the_sum_of_both():
    offer = make_offer()
    conversion = sale(offer, status="partial")
    LedgerEntry.objects.create(
        conversion=conversion, network=offer.network, kind="partial", key="p", payout=Decimal(-15), currency="USD",
        occurred_at=IN, created_at=IN,
    )  # fmt: skip
    sale(offer, currency="EUR")

    found = network_differences(offer, PERIOD, theirs(2, 25))

    assert (found.ours.count, found.ours.payout, found.others) == (2, Decimal(25), 1)
    assert (found.unexplained.count, found.unexplained.payout) == (0, 0)


def test_postbacks_that_led_to_nothing_count_once_for_each_sale_of_the_offers_clicks():
    offer = make_offer()
    other = make_offer(network=offer.network)
    mine, elsewhere = make_click(offer), make_click(other)
    told = [(mine.pk, "T1"), (mine.pk, "T1"), (elsewhere.pk, "T2"), ("unknown", "T3")]
    for click, transaction in told:
        make_postback(
            offer.network, {"click_id": click, "transaction_id": transaction}, received_at=IN, outcome=Outcome.NO_RULE
        )

    found = network_differences(offer, PERIOD, theirs(1))

    assert (found.classes["unusable"].count, found.without_click, found.unexplained.count) == (1, 1, 0)


def event(offer: Offer, status: str = "accepted", reason: str = "", **fields: Any) -> Conversion:
    accepted_at = fields.pop("accepted_at", IN)
    conversion = sale(offer, **fields)
    make_delivery(
        conversion, status=status, reason=reason, accepted_at=accepted_at if status == "accepted" else None,
        next_attempt_at=None,
    )  # fmt: skip
    return conversion


def test_what_became_of_each_event_leads_from_ours_to_tiktoks_number():
    offer = make_offer()
    event(offer, accepted_at=AFTER)
    event(offer, recorded=AFTER)
    event(offer, happened=BEFORE)
    event(offer, clicked=IN - timedelta(days=9))
    event(offer, Delivery.Status.HELD, Reason.CONSENT_UNKNOWN)
    event(offer, Delivery.Status.DEAD, Reason.INVALID)
    pixel_only = event(offer, Delivery.Status.SUPPRESSED, Reason.PIXEL_ONLY)
    Sighting.objects.create(conversion=pixel_only, outcome="fired", created_at=IN)
    sale(offer)
    sale(offer, event_name="Lead")

    everything = tiktok_differences(offer, "Purchase", PERIOD, theirs=5, window=None)
    of_ads = tiktok_differences(offer, "Purchase", PERIOD, theirs=3, window=7)

    assert (everything.recorded, everything.accepted, everything.accepted_late) == (7, 3, 1)
    assert everything.untold == {
        ("held", "consent_unknown"): 1, ("dead", "invalid"): 1, ("suppressed", "pixel_only"): 1, ("", ""): 1,
    }  # fmt: skip
    assert everything.shifts == {"late": 1, "early": -1, "pixel": 1}
    assert (everything.beyond_a_week, everything.expected, everything.unexplained) == (1, 4, 1)
    assert (of_ads.shifts["window"], of_ads.expected, of_ads.unexplained) == (-1, 3, 0)


def page(name: str, **params: Any) -> Any:
    """As it comes at first, without the answer."""
    return staff_client(*MAY).get(reverse(f"admin:dispatch_report_{name}"), {**DATES, **params})


def answer(name: str, **params: Any) -> str:
    """What the page's script puts in its place."""
    url, asked = reverse(f"admin:dispatch_report_{name}"), {**DATES, **params, "answer": "1"}
    return staff_client(*MAY).get(url, asked, headers={"X-Requested-With": "fetch"}).content.decode()


def test_the_page_of_the_network_shows_the_way_to_its_number():
    offer = make_offer()
    sale(offer)
    sale(offer, recorded=AFTER)

    shown = answer("network", offer=offer.pk, count="3", payout="100.50", counts=["approved"])

    assert "Late: happened in the period" in shown
    assert "+20.50" in shown
    assert f"offer__id__exact={offer.pk}" in shown


def test_the_sums_of_a_compared_report_can_be_taken():
    offer = make_offer()
    day = IN.date()
    upload = Upload.objects.create(
        network=offer.network, purpose="reconcile", file_name="week.csv", created_at=IN, worked_at=IN, state="done",
        period_from=day, period_to=day,
    )  # fmt: skip
    for number, verdict in enumerate(["matched", "missing_here", "missing_there"]):
        UploadRow.objects.create(upload=upload, number=number, verdict=verdict, payout=Decimal(40), currency="USD")

    first, shown = (each("network", offer=offer.pk, upload=upload.pk) for each in (page, answer))

    assert "week.csv (10 Nov to 10 Nov 2026)" in first.content.decode()
    assert "80.00" in shown


def test_the_page_of_tiktok_shows_the_way_to_its_number():
    offer = make_offer()
    event(offer)
    event(offer, Delivery.Status.HELD, Reason.CONSENT_UNKNOWN)

    shown = answer("tiktok", offer=offer.pk, event="Purchase", count="1", window="7")

    assert "Held: Waiting for consent" in shown
    assert "status__exact=held&amp;reason__exact=consent_unknown" in shown


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("network", {"count": "many"}, "whole number"),
        ("network", {"count": "9" * 5000}, "whole number"),
        ("network", {"count": "1", "payout": "NaN"}, "plain number"),
        ("network", {"count": "1", "since": "2026-01-01"}, "31 days at most"),
        ("network", {"upload": "9"}, "no such compared report"),
        ("tiktok", {"count": "1"}, "Choose the event"),
        ("tiktok", {"count": "1", "event": "\x00"}, "Choose the event"),
        ("tiktok", {"count": "1", "event": "Purchase", "window": "3"}, "windows of the list"),
        ("tiktok", {"count": "1", "event": "Purchase", "zone": "Mars"}, "no time zone"),
    ],
)
def test_what_cannot_be_compared_is_told(name: str, wrong: dict[str, str], words: str):
    given = {"offer": make_offer().pk, **wrong}
    told = page(name, **given)

    assert told.status_code == 200
    assert words in told.content.decode()
    assert "Comparing" not in told.content.decode()
    assert words in answer(name, **given)
    assert page(name, offer=str(uuid4())).status_code == 404
