from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch.findings.finding import Scope
from dispatch.health import reading
from dispatch.health.figures import Figures
from dispatch.models import NetworkSlot, OfferSlot, TellingDay, TellingSlot
from dispatch.rollups.slots import slot_of
from offers.models import Offer
from tests.factories import make_network, make_offer, make_pixel

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HALF_HOUR = timedelta(minutes=30)
NOON_HOURS = timedelta(hours=12)


def sold(offer: Offer, at: datetime = NOON, **sums: Any) -> OfferSlot:
    return OfferSlot.objects.create(offer=offer, starts_at=at, **sums)


def told(offer: Offer, at: datetime = NOON, **sums: Any) -> TellingSlot:
    return TellingSlot.objects.create(offer=offer, pixel=sums.pop("pixel", offer.pixel), starts_at=at, **sums)


def test_a_percentile_is_the_nearest_rank_over_whole_seconds():
    twenty = Figures(delays=Counter(range(1, 21)))

    assert (twenty.delay(0.50), twenty.delay(0.95)) == (10, 19)
    assert Figures(delays=Counter({3: 1})).delay(0.95) == 3
    assert Figures().delay(0.95) is None


def test_what_is_fresh_is_part_of_no_ratio_and_nothing_has_none():
    figures = Figures(accepted=90, waiting=8, fresh=5, dead=2, both_legs=4, fired=3)

    assert figures.acceptance == pytest.approx(90 / 95)
    assert figures.match == 0.75
    assert Figures(waiting=3, fresh=3).acceptance is None


@pytest.mark.django_db
def test_an_offer_has_the_sums_of_its_half_hours_in_the_span():
    offer, other = make_offer(), make_offer()
    sold(offer, clicks=5)
    sold(offer, event_name="Purchase", currency="USD", approved=3, refunded=1, doubles=1, expected=2, unreported=1)
    sold(offer, NOON - DAY, clicks=100)
    sold(other, clicks=7)
    told(offer, accepted=3, dead=1, reasons={"invalid": 1}, delays={"2": 2, "30": 1}, with_ttclid=2)
    told(offer, pixel=make_pixel(), accepted=1, delays={"2": 1})

    found = reading.figures(Scope.OFFER, NOON, NOON + HALF_HOUR)

    assert set(found) == {offer.pk, other.pk}
    figures = found[offer.pk]
    assert (figures.clicks, figures.conversions, figures.doubles, figures.gap) == (5, 4, 1, 0.5)
    assert (figures.accepted, figures.due, figures.reasons) == (4, 5, {"invalid": 1})
    assert figures.delays == {2: 3, 30: 1}
    assert figures.coverage("ttclid") == 0.4


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (NOON, NOON + 3 * DAY + HALF_HOUR, {1: 1, 20: 1, 30: 1, 4: 1}),
        (NOON - NOON_HOURS, NOON + 2 * DAY - NOON_HOURS, {10: 1, 20: 1}),
        (NOON, NOON + HALF_HOUR, {1: 1}),
        (NOON - HALF_HOUR, NOON + DAY - NOON_HOURS, {1: 1}),
        (NOON + 2 * DAY - HALF_HOUR, NOON + 3 * DAY, {3: 1}),
    ],
)
def test_delays_of_whole_days_are_those_of_the_days(since: datetime, until: datetime, expected: dict[int, int]):
    offer = make_offer()
    for day in range(4):
        told(offer, NOON + day * DAY, delays={str(day + 1): 1})
        midnight = NOON + day * DAY - NOON_HOURS
        TellingDay.objects.create(offer=offer, pixel=offer.pixel, starts_at=midnight, delays={str(day * 10 + 10): 1})

    found = reading.figures(Scope.OFFER, since, until, [offer.pk])

    assert found[offer.pk].delays == expected


@pytest.mark.django_db
def test_a_network_has_the_sums_of_its_offers_and_its_own_postbacks():
    network = make_network()
    for _ in range(2):
        offer = make_offer(network=network)
        sold(offer, clicks=4)
        told(offer, accepted=1)
    NetworkSlot.objects.create(network=network, starts_at=NOON, outcome="recorded", postbacks=6)
    NetworkSlot.objects.create(network=network, starts_at=NOON, outcome="bad_amount", postbacks=2)

    figures = reading.figures(Scope.NETWORK, NOON, NOON + DAY)[network.pk]

    assert (figures.clicks, figures.accepted) == (8, 2)
    assert figures.postbacks == {"recorded": 6, "bad_amount": 2}


@pytest.mark.django_db
def test_a_pixel_has_what_went_to_it_and_whoever_is_asked_for_is_there():
    offer, quiet = make_offer(), make_pixel()
    told(offer, accepted=2)
    told(offer, pixel=make_pixel(), accepted=40)

    found = reading.figures(Scope.PIXEL, NOON, NOON + DAY, [offer.pixel_id, quiet.pk])

    assert found[offer.pixel_id].accepted == 2
    assert found[quiet.pk] == Figures()
    assert len(found) == 2


@pytest.mark.django_db
def test_what_waits_is_fresh_until_its_half_hour_has_been_over_for_a_quarter_of_an_hour(monkeypatch):
    offer = make_offer()
    told(offer, NOON, waiting=2)
    told(offer, NOON - HALF_HOUR, waiting=3)

    def fresh_at(moment: datetime) -> int:
        monkeypatch.setattr("dispatch.clock.now", lambda: moment)
        return reading.figures(Scope.OFFER, NOON - DAY, NOON + DAY)[offer.pk].fresh

    assert fresh_at(NOON + timedelta(minutes=14)) == 5
    assert fresh_at(NOON + timedelta(minutes=15)) == 2
    assert fresh_at(NOON + timedelta(minutes=45)) == 0


@pytest.mark.django_db
def test_days_begin_when_they_do_for_the_reader_and_empty_ones_are_there():
    offer = make_offer()
    midnight_in_kolkata = datetime(2026, 6, 1, 18, 30, tzinfo=UTC)
    told(offer, midnight_in_kolkata - HALF_HOUR, accepted=1, delays={"5": 1})
    told(offer, midnight_in_kolkata, accepted=10)

    days = reading.series(Scope.OFFER, offer.pk, NOON - DAY, NOON + DAY, by_day=True, zone=ZoneInfo("Asia/Kolkata"))

    assert [(start.date().day, sums.accepted) for start, sums in days] == [(31, 0), (1, 1), (2, 10)]
    assert days[1][1].delays == {5: 1}


@pytest.mark.django_db
def test_hours_hold_two_half_hours_each():
    offer = make_offer()
    told(offer, NOON, accepted=1)
    told(offer, NOON + HALF_HOUR, accepted=2)

    with timezone.override(UTC):
        hours = reading.series(Scope.PIXEL, offer.pixel_id, NOON, NOON + timedelta(hours=2), by_day=False)

    assert [sums.accepted for _, sums in hours] == [3, 0]


@pytest.mark.django_db
def test_reading_costs_as_many_queries_for_five_networks_as_for_one():
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            reading.figures(Scope.NETWORK, NOON - DAY, NOON + DAY)
        return len(queries)

    told(make_offer(), accepted=1)
    for_one = cost()
    for _ in range(4):
        told(make_offer(), slot_of(NOON), accepted=1, reasons={"invalid": 1})

    assert cost() == for_one
