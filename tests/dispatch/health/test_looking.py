"""Lists look for the rows of a figure where the sums have any, and find all that these count."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from dispatch.admin.deliveries import DeliveryAdmin
from dispatch.findings.finding import Scope
from dispatch.health import looking
from dispatch.health.looking import Asked, look, spans
from dispatch.health.rows import PARTS
from dispatch.models import Delivery
from dispatch.models.rollup import SLOT
from dispatch.rollups.keeping import roll_up
from offers.models import Offer
from tests.factories import make_attempt, make_click, make_conversion, make_delivery, make_offer
from tests.staff import staff_client

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


def asked(offers: QuerySet[Offer] | None = None, **fields: Any) -> Asked:
    return Asked("retried", "conversion__created_at", Offer.objects.all() if offers is None else offers, **fields)


def make_retried(offer: Offer, hours_ago: int) -> Delivery:
    recorded = timezone.now() - timedelta(hours=hours_ago)
    sale = make_conversion(make_click(offer, created_at=recorded), created_at=recorded)
    delivery = make_delivery(sale, status="accepted", accepted_at=timezone.now())
    for verdict in ("transient", "accepted"):
        make_attempt(delivery, verdict=verdict)
    return delivery


def selected(where: Q) -> QuerySet[Delivery]:
    """All that were recorded there, so that it shows where was looked."""
    return Delivery.objects.filter(where)


@pytest.mark.django_db
def test_only_half_hours_with_any_are_looked_through_and_what_the_sums_do_not_know_yet():
    offer = make_offer()
    retried = make_retried(offer, hours_ago=30)
    make_delivery(make_conversion(make_click(offer), created_at=timezone.now() - timedelta(hours=10)))
    roll_up(timezone.now(), seconds=30)
    new = make_retried(offer, hours_ago=0)

    found = look(asked(), selected, wanted=50)

    assert found == ([new.pk, retried.pk], 2)


@pytest.mark.django_db
def test_no_older_half_hours_are_looked_through_than_a_page_needs_and_the_sums_tell_the_rest():
    offer = make_offer()
    newest, second, *_ = [make_retried(offer, hours_ago) for hours_ago in (10, 20, 30, 40)]
    roll_up(timezone.now(), seconds=30)

    found = look(asked(), selected, wanted=2)

    assert found == ([newest.pk, second.pk], 4)


@pytest.mark.django_db
def test_the_sums_of_other_offers_and_pixels_lead_nowhere():
    offer, other = make_offer(), make_offer()
    make_retried(offer, hours_ago=10)
    roll_up(timezone.now(), seconds=30)

    of_offer = look(asked(Offer.objects.filter(pk=other.pk)), selected, wanted=50)
    of_pixel = look(asked(pixels=[other.pixel_id]), selected, wanted=50)

    assert of_offer == of_pixel == ([], 0)


@pytest.mark.django_db
def test_it_is_looked_further_back_when_half_hours_have_fewer_than_their_sums_say():
    offer = make_offer()
    newest, *older = [make_retried(offer, hours_ago) for hours_ago in (10, 20, 30, 40)]
    roll_up(timezone.now(), seconds=30)
    gone = {newest.pk}

    keys, count = look(asked(), lambda where: selected(where).exclude(pk__in=gone), wanted=2)

    assert keys == [delivery.pk for delivery in older]
    assert count == 3


@pytest.mark.django_db
def test_without_sums_everything_is_looked_through():
    delivery = make_retried(make_offer(), hours_ago=30)

    found = look(asked(), selected, wanted=50)

    assert found == ([delivery.pk], 1)


@pytest.fixture
def figured(monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[Delivery]]:
    """The address of a list of three deliveries that were tried again, two on a page; and these, the newest first."""
    monkeypatch.setattr(DeliveryAdmin, "list_per_page", 2)
    offer, now = make_offer(), timezone.now()
    middle, newest, oldest = [make_retried(offer, hours_ago) for hours_ago in (10, 2, 20)]
    roll_up(now, seconds=30)
    return PARTS["retried"].url(Scope.OFFER, offer.pk, now - timedelta(days=3), now), [newest, middle, oldest]


def list_at(url: str) -> Any:
    return staff_client("dispatch.view_delivery").get(url).context["cl"]


@pytest.mark.django_db
def test_the_pages_of_a_list_have_each_row_once_and_tell_how_many_there_are(figured: tuple[str, list[Delivery]]):
    url, told = figured

    pages = [list_at(f"{url}&p={number}") for number in (1, 2)]

    assert [[row.pk for row in page.result_list] for page in pages] == [[told[0].pk, told[1].pk], [told[2].pk]]
    assert [page.result_count for page in pages] == [3, 3]


@pytest.mark.django_db
def test_a_file_has_all_rows_of_the_list_that_shows_a_page_of_them(figured: tuple[str, list[Delivery]]):
    url, told = figured
    client = staff_client("dispatch.view_delivery", "dispatch.export_delivery")

    page = client.get(url.replace("?", "export/?"))

    assert page.context["count"] == "3"
    assert {row.pk for row in page.context["form"].rows} == {delivery.pk for delivery in told}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("further", "shown", "count"),
    [
        ("&q=nothing", [], 0),
        ("&q={last}", [2], 1),
        ("&attempts=7", [], 0),
        ("&status__exact=dead", [], 0),
        ("&status__exact=", [0, 1], 3),
        ("&conversion__created_at_from_1=00:10:00", [0, 1], 3),
        ("&conversion__created_at_to_0=9999-12-31", [0, 1], 3),
        ("&conversion__offer__id__exact=0", [0, 1], 3),
        ("&p=%202", [2], 3),
    ],
)
def test_a_list_that_is_narrowed_down_further_counts_its_own_rows(
    figured: tuple[str, list[Delivery]], further: str, shown: list[int], count: int
):
    url, told = figured

    found = list_at(url + further.format(last=told[-1].event_id))

    assert [row.pk for row in found.result_list] == [told[place].pk for place in shown]
    assert found.result_count == count


@pytest.mark.django_db
def test_a_search_finds_what_no_page_would_come_to(
    monkeypatch: pytest.MonkeyPatch, figured: tuple[str, list[Delivery]]
):
    monkeypatch.setattr(looking, "MOST_ROWS", 1)
    url, told = figured

    found = list_at(f"{url}&q={told[-1].event_id}")

    assert [row.pk for row in found.result_list] == [told[-1].pk]


@pytest.mark.django_db
@pytest.mark.parametrize("figure", ["all", "doubles", "unreported"])
def test_conversions_are_not_looked_for_by_pixel(figure: str):
    roll_up(timezone.now(), seconds=30)
    client = staff_client("conversions.view_conversion")

    answer = client.get(reverse("admin:conversions_conversion_changelist"), {"figure": figure, "pixel__id__exact": "1"})

    assert answer.status_code == 302
