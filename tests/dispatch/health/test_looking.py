"""Lists look for the rows of a figure where the sums have any, and find all that these count."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from conversions.models import Conversion
from dispatch.health import looking
from dispatch.health.looking import half_hours, recorded_where, spans
from dispatch.models import Delivery
from dispatch.models.rollup import SLOT
from dispatch.rollups.keeping import roll_up
from offers.models import Offer
from tests.dispatch.findings.slots import told
from tests.factories import make_attempt, make_click, make_conversion, make_delivery, make_offer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(*half_hours_after_noon: int) -> list[datetime]:
    return [NOON + number * SLOT for number in half_hours_after_noon]


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([], []),
        (at(3), [(3, 4)]),
        (at(5, 3, 4), [(3, 6)]),
        (at(0, 2, 3, 9), [(0, 1), (2, 4), (9, 10)]),
        (at(0, 2, 9, 20, 22), [(0, 3), (9, 10), (20, 23)]),
    ],
)
def test_half_hours_side_by_side_are_one_span_and_the_narrowest_gaps_are_closed(
    monkeypatch: pytest.MonkeyPatch, starts: list[datetime], expected: list[tuple[int, int]]
):
    monkeypatch.setattr(looking, "MOST_SPANS", 3)

    found = spans(starts)

    assert found == [(NOON + first * SLOT, NOON + last * SLOT) for first, last in expected]


@pytest.mark.django_db
def test_the_newest_half_hours_are_enough_once_they_have_as_many_rows_as_a_list_counts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(looking, "MOST_ROWS", 5)
    offer = make_offer()
    for hours in (1, 2, 3, 4):
        told(offer, NOON, hours=hours, retried=3)
    told(make_offer(), NOON, hours=1, retried=3)

    found = list(half_hours("retried", Offer.objects.filter(pk=offer.pk), NOON - timedelta(days=1), NOON))

    assert len(found) == 2
    assert found[0] > found[1]


def make_retried(offer: Offer, hours_ago: int) -> Delivery:
    recorded = timezone.now() - timedelta(hours=hours_ago)
    sale = make_conversion(make_click(offer, created_at=recorded), created_at=recorded)
    delivery = make_delivery(sale, status="accepted", accepted_at=timezone.now())
    for verdict in ("transient", "accepted"):
        make_attempt(delivery, verdict=verdict)
    return delivery


@pytest.mark.django_db
def test_only_half_hours_with_any_are_looked_through_and_what_the_sums_do_not_know_yet():
    offer = make_offer()
    retried = make_retried(offer, hours_ago=30)
    make_conversion(make_click(offer), created_at=timezone.now() - timedelta(hours=10))
    roll_up(timezone.now(), seconds=30)
    new = make_retried(offer, hours_ago=0)

    where = recorded_where("retried", "created_at", Offer.objects.all(), None, None)

    assert list(Conversion.objects.filter(where).order_by("pk")) == [retried.conversion, new.conversion]


@pytest.mark.django_db
def test_without_sums_everything_is_looked_through():
    sale = make_retried(make_offer(), hours_ago=30).conversion

    where = recorded_where("retried", "created_at", Offer.objects.all(), None, None)

    assert Conversion.objects.filter(where).get() == sale
