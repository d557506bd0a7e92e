"""Caps: whose visitors arrive elsewhere, counted by the network's day."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from conversions import configuration
from conversions.models import Click
from offers.caps import day_start, leads_back, time_zone_choices
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_offer


def sell(offer: Offer, count: int = 1, **fields) -> None:
    for _ in range(count):
        make_conversion(make_click(offer), **fields)


def arrival(offer: Offer) -> tuple[Click, str]:
    """The click that a visitor of the offer's tracking link makes, and where it leads."""
    configuration.forget()
    before = set(Click.objects.values_list("pk", flat=True))
    location = Client().get(f"/c/{offer.slug}/")["Location"]
    return Click.objects.select_related("offer").exclude(pk__in=before).get(), location


@pytest.mark.django_db
@pytest.mark.parametrize("caps", [{"daily_cap": 2}, {"total_cap": 2}])
def test_a_full_offer_leads_to_its_fallback(caps: dict[str, int]):
    fallback = make_offer(landing_url="https://fallback.example/page")
    offer = make_offer(fallback_offer=fallback, **caps)

    sell(offer)
    assert arrival(offer)[0].offer == offer

    sell(offer, status="pending")
    click, location = arrival(offer)
    assert (click.offer, click.capped_offer) == (fallback, offer)
    assert location == f"https://fallback.example/page?click_id={click.pk}"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "is_full"),
    [({}, True), ({"status": "partial"}, True), ({"status": "tracked"}, False), ({"status": "rejected"}, False),
     ({"status": "refunded"}, False), ({"kind": "rebill"}, False), ({"kind": "upsell"}, False)],
)  # fmt: skip
def test_only_sales_that_may_be_paid_count(fields: dict[str, str], is_full: bool):
    offer = make_offer(total_cap=1, fallback_offer=make_offer())

    sell(offer, **fields)

    assert (arrival(offer)[0].offer != offer) is is_full


@pytest.mark.django_db
def test_a_sale_that_is_told_as_two_events_is_one_sale():
    offer = make_offer(total_cap=2, fallback_offer=make_offer())
    click = make_click(offer)

    for name in ("SubmitForm", "Purchase"):
        make_conversion(click, event_name=name, transaction_id="T1")
    assert arrival(offer)[0].offer == offer

    make_conversion(click, transaction_id="T2")
    assert arrival(offer)[0].offer != offer


@pytest.mark.django_db
def test_a_cap_of_nothing_sends_everybody_on():
    assert arrival(make_offer(daily_cap=0, fallback_offer=make_offer()))[0].capped_offer


@pytest.mark.django_db
def test_the_day_is_the_networks():
    offer = make_offer(daily_cap=1, cap_time_zone="America/New_York", fallback_offer=make_offer())
    midnight = datetime(2026, 11, 2, 5, tzinfo=UTC)  # the day after the clocks went back

    sell(offer, created_at=midnight - timedelta(seconds=1))

    with time_machine.travel(midnight - timedelta(seconds=1), tick=False):
        assert arrival(offer)[0].capped_offer == offer
    with time_machine.travel(midnight, tick=False):
        assert arrival(offer)[0].capped_offer is None


@pytest.mark.django_db
@pytest.mark.parametrize("spoilt_by", ["none", "inactive", "full", "circle"])
def test_without_a_usable_fallback_the_visitor_still_goes_to_the_offer(spoilt_by: str):
    fallback = make_offer(is_active=spoilt_by != "inactive", daily_cap=0 if spoilt_by in ("full", "circle") else None)
    offer = make_offer(daily_cap=0, fallback_offer=None if spoilt_by == "none" else fallback)
    if spoilt_by == "circle":
        Offer.objects.filter(pk=fallback.pk).update(fallback_offer=offer)

    click, _ = arrival(offer)

    assert (click.offer, click.capped_offer) == (offer, None)


@pytest.mark.django_db
@pytest.mark.parametrize(("full_ones", "arrives"), [(5, True), (6, False)])
def test_a_chain_is_followed_for_five_offers(full_ones: int, arrives: bool):
    last = offer = make_offer()
    for _ in range(full_ones):
        offer = make_offer(daily_cap=0, fallback_offer=offer)

    assert arrival(offer)[0].offer == (last if arrives else offer)


@pytest.mark.django_db
def test_the_answer_is_kept_for_a_moment_and_counts_no_further_than_the_cap(django_assert_num_queries):
    offer = make_offer(daily_cap=5, total_cap=9, fallback_offer=make_offer())

    with django_assert_num_queries(4) as captured:  # the offer, two counts, the click
        Client().get(f"/c/{offer.slug}/")
    with django_assert_num_queries(1):
        Client().get(f"/c/{offer.slug}/")

    counts = [query["sql"] for query in captured if "COUNT" in query["sql"]]
    assert ["LIMIT 5" in counts[0], "LIMIT 9" in counts[1]] == [True, True]


@pytest.mark.django_db
def test_an_outbound_link_of_a_full_offer_leads_new_visitors_to_the_fallback_too():
    fallback = make_offer(offer_url="https://other.example/?s={click_id}")
    offer = make_offer(daily_cap=0, fallback_offer=fallback)

    location = Client().get(f"/go/{offer.slug}/")["Location"]

    assert location == f"https://other.example/?s={Click.objects.get(offer=fallback, capped_offer=offer).pk}"


@pytest.mark.django_db
def test_a_chain_that_leads_back_is_refused():
    first = make_offer()
    third = make_offer(fallback_offer=make_offer(fallback_offer=first))
    first.fallback_offer = third

    with pytest.raises(ValidationError, match="leads back to this offer"):
        first.clean()

    Offer.objects.get(pk=third.pk).clean()
    assert not leads_back(Offer(fallback_offer=third))


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2037, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([name for name, _ in time_zone_choices()]),
)
def test_a_day_begins_where_the_date_changes(now: datetime, time_zone: str):
    begins = day_start(now, time_zone)

    zone, moment = ZoneInfo(time_zone), timedelta(microseconds=1)
    assert begins <= now
    assert begins.astimezone(zone).date() == now.astimezone(zone).date()
    assert (begins - moment).astimezone(zone).date() < now.astimezone(zone).date()


@pytest.mark.parametrize(
    ("time_zone", "now", "begins"),
    [
        ("Europe/Berlin", "2026-03-29T10:00+02:00", "2026-03-28T23:00Z"),
        ("Europe/Berlin", "2026-10-25T10:00+01:00", "2026-10-24T22:00Z"),
        ("America/Havana", "2026-11-01T05:30Z", "2026-11-01T04:00Z"),  # its midnight comes twice
        ("Africa/Cairo", "2026-04-24T10:00+03:00", "2026-04-23T22:00Z"),  # its midnight is left out
    ],
)
def test_days_on_which_the_clocks_change(time_zone: str, now: str, begins: str):
    assert day_start(datetime.fromisoformat(now), time_zone) == datetime.fromisoformat(begins)


def test_a_day_is_that_of_the_moment():
    assert day_start(timezone.now(), "UTC").date() == timezone.now().date()
