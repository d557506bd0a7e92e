"""Currencies that TikTok does not take: converted by the rates that staff keep, or held until there is one."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from conversions.models import Conversion
from dispatch import planning
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.money import FALLBACK, WITHOUT_MINOR_UNIT, RateBook, Told, tell
from dispatch.planning import plan, release_with_rate
from dispatch.reasons import Reason
from dispatch.tasks import sweep
from dispatch.tiktok.sandbox import Sandbox
from offers.models import ExchangeRate
from offers.vocabulary import CURRENCIES
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer
from tests.plans import plan_by_index
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
Status = Delivery.Status
DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def make_rate(rate: str = "0.00027", **fields: Any) -> ExchangeRate:
    values = {"currency": "UGX", "into": "USD", "valid_on": DAY, "source": "Bank of Uganda", **fields}
    return ExchangeRate.objects.create(rate=Decimal(rate), **values)


def told(amount: str, currency: str = "UGX", wanted: str = "USD", happened: datetime = NOON) -> Told:
    return tell(Told(Decimal(amount), currency), wanted, happened, RateBook().find)


def sale_in(currency: str = "UGX", **fields: Any) -> Conversion:
    click = make_click(make_offer(**fields.pop("offer", {})))
    return make_conversion(click, **{"payout": Decimal(150000), "currency": currency, **fields})


def planned(conversion: Conversion) -> Delivery:
    plan(timezone.now())
    return Delivery.objects.get(conversion=conversion)


def test_a_currency_that_tiktok_takes_is_sent_as_it_came():
    for code in CURRENCIES:
        make_rate("2", currency=code, into="USD" if code != "USD" else "EUR")

    assert {told("12.345", code) for code in CURRENCIES} == {Told(Decimal("12.345"), code) for code in CURRENCIES}


def test_any_other_one_is_converted_and_says_how():
    make_rate()

    found = told("150000.00")

    assert (found.value, found.currency) == (Decimal("40.50"), "USD")
    assert found.converted == {
        "from": "UGX",
        "amount": "150000.00",
        "into": "USD",
        "value": "40.50",
        "rate": "0.00027",
        "valid_on": "2026-11-20",
        "source": "Bank of Uganda",
    }


@pytest.mark.parametrize(
    ("wanted", "into", "value"), [("EUR", "EUR", "25.00"), ("USD", "USD", "30.00"), ("GBP", "USD", "30.00")]
)
def test_the_offers_own_currency_comes_before_usd(wanted, into, value):
    make_rate("0.25", into="EUR")
    make_rate("0.30", into=FALLBACK)

    found = told("100", wanted=wanted)

    assert (found.currency, found.value) == (into, Decimal(value))


def test_a_rate_into_any_currency_is_better_than_none():
    make_rate("0.04", into="KES")

    assert told("100", wanted="EUR") == told("100", wanted="USD")
    assert told("100").currency == "KES"


@pytest.mark.parametrize(("day", "rate"), [(-30, "1"), (-10, "1"), (-9, "1"), (-1, "2"), (0, "3"), (5, "3")])
def test_the_newest_rate_of_the_day_counts_else_the_oldest(day, rate):
    for days, worth in ((-10, "1"), (-1, "2"), (0, "3")):
        make_rate(worth, valid_on=DAY + timedelta(days=days))

    assert told("1", happened=NOON + timedelta(days=day)).value == Decimal(rate)


def test_the_day_is_that_of_utc():
    make_rate("1", valid_on=DAY)
    make_rate("2", valid_on=DAY + timedelta(days=1))
    late_in_los_angeles = datetime.fromisoformat("2026-11-20T20:00:00-08:00")

    assert told("1", happened=late_in_los_angeles).value == Decimal(2)


@pytest.mark.parametrize(
    ("into", "amount", "value"),
    [("USD", "0.125", "0.13"), ("USD", "0.135", "0.14"), ("USD", "0.1249", "0.12"), ("JPY", "0.5", "1"),
     ("JPY", "1.4999", "1"), ("VND", "2.5", "3"), ("KWD", "0.1234", "0.12"),
     ("USD", "999999999999.99", "999999999999.99")],
)  # fmt: skip
def test_rounds_half_up_to_the_smallest_unit(into, amount, value):
    make_rate("1", into=into)

    assert str(told(amount).value) == value


def test_currencies_without_a_minor_unit_are_ones_that_tiktok_takes():
    assert WITHOUT_MINOR_UNIT <= CURRENCIES


def test_an_event_goes_out_converted_and_the_rate_is_on_record(sandbox: Sandbox):
    make_rate()
    conversion = sale_in()
    make_credential(conversion.offer.pixel)

    sweep()

    delivery = Delivery.objects.get()
    assert sandbox.events()[0]["payload"]["properties"] == {"value": 40.5, "currency": "USD"}
    assert (delivery.status, delivery.converted["source"]) == (Status.ACCEPTED, "Bank of Uganda")
    assert DeliveryAttempt.objects.get().payload["properties"] == {"value": 40.5, "currency": "USD"}


def test_the_deliverys_page_says_what_was_converted():
    make_rate()
    delivery = planned(sale_in())

    page = staff_client("dispatch.view_delivery").get(reverse("admin:dispatch_delivery_change", args=[delivery.pk]))

    words = "150,000.00 UGX → 40.50 USD, at 1 UGX = 0.00027 USD of 2026-11-20 (Bank of Uganda)"
    assert words in page.content.decode()


def test_without_a_rate_it_is_held_and_says_for_what():
    delivery = planned(sale_in())

    assert (delivery.status, delivery.reason, delivery.lacks_rate) == (Status.HELD, Reason.NO_RATE, "UGX")
    assert "no exchange rate for UGX" in delivery.detail
    assert "Add a rate" in delivery.advice


def test_an_event_without_a_value_needs_no_rate():
    rules = [{"trigger": "approved", "event_name": "Purchase", "value_source": "none"}]

    assert planned(sale_in(offer={"rules": rules})).status == Status.WAITING


@pytest.mark.parametrize("currency", ["", "U$", "12A"])
def test_what_is_no_currency_is_a_dead_letter(currency):
    delivery = planned(sale_in(currency))

    assert (delivery.status, delivery.reason) == (Status.DEAD, Reason.CONTRACT)


def test_what_is_too_old_is_not_held_for_a_rate():
    delivery = planned(sale_in(occurred_at=timezone.now() - timedelta(days=8)))

    assert (delivery.status, delivery.reason) == (Status.SUPPRESSED, Reason.TOO_OLD)


def test_a_rate_that_comes_releases_what_was_held_for_it_and_nothing_else(sandbox: Sandbox):
    first, other = sale_in(), sale_in("XAF")
    make_credential(first.offer.pixel)
    plan(timezone.now())
    make_rate()

    sweep()

    assert Delivery.objects.get(conversion=first).status == Status.ACCEPTED
    assert Delivery.objects.get(conversion=other).lacks_rate == "XAF"
    assert sandbox.events()[0]["payload"]["properties"] == {"value": 40.5, "currency": "USD"}


def test_so_many_are_released_at_once_and_each_is_once(monkeypatch):
    monkeypatch.setattr(planning, "RELEASED_AT_ONCE", 2)
    click = make_click()
    for _ in range(3):
        make_conversion(click, currency="UGX")
    plan(timezone.now())
    make_rate()

    assert [release_with_rate() for _ in range(3)] == [2, 1, 0]
    assert Conversion.objects.unplanned().count() == 3


def test_a_rate_that_has_gone_again_holds_it_again():
    conversion = sale_in()
    plan(timezone.now())
    rate = make_rate()
    release_with_rate()
    rate.delete()

    delivery = planned(conversion)

    assert (delivery.status, delivery.lacks_rate) == (Status.HELD, "UGX")


def test_other_currency_by_correction_is_held_for_the_new_one():
    conversion = sale_in()
    plan(timezone.now())
    Conversion.objects.update(currency="XAF", planned_at=None)

    assert planned(conversion).lacks_rate == "XAF"


def test_a_rate_that_vanishes_before_sending_holds_it(sandbox: Sandbox):
    conversion = sale_in()
    make_credential(conversion.offer.pixel)
    make_delivery(conversion)

    sweep()

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason, delivery.lacks_rate) == (Status.HELD, Reason.NO_RATE, "UGX")
    assert sandbox.events() == []


@pytest.mark.parametrize(("maybe_accepted", "value"), [(True, 40.5), (False, 15.0)])
def test_a_copy_that_may_have_arrived_keeps_its_rate(sandbox: Sandbox, maybe_accepted, value):
    rate = make_rate()
    delivery = planned(sale_in())
    make_credential(delivery.pixel)
    Delivery.objects.update(maybe_accepted=maybe_accepted, attempts=1, first_sent_at=timezone.now())
    ExchangeRate.objects.filter(pk=rate.pk).update(rate=Decimal("0.0001"))

    sweep()

    delivery.refresh_from_db()
    assert sandbox.events()[0]["payload"]["properties"]["value"] == value
    assert float(delivery.converted["value"]) == value


def test_a_kept_rate_outlives_its_row(sandbox: Sandbox):
    rate = make_rate()
    delivery = planned(sale_in())
    make_credential(delivery.pixel)
    Delivery.objects.update(maybe_accepted=True, attempts=1, first_sent_at=timezone.now())
    rate.delete()

    sweep()

    assert sandbox.events()[0]["payload"]["properties"] == {"value": 40.5, "currency": "USD"}


def test_planning_reads_each_currency_once(django_assert_num_queries, django_assert_max_num_queries):
    make_rate()
    click = make_click()
    make_conversion(click, currency="UGX")
    with django_assert_max_num_queries(15) as for_one:
        plan(timezone.now())
    for _ in range(5):
        make_conversion(click, currency="UGX")

    with django_assert_num_queries(len(for_one)):
        plan(timezone.now())


def test_the_release_is_found_by_its_index():
    conversion = make_conversion()
    for lacks_rate in ["UGX", *[""] * 40]:
        make_delivery(conversion, event_id=uuid.uuid4(), status="held", lacks_rate=lacks_rate)
    held = Delivery.objects.lacking_rate(["UGX", "XAF"]).order_by()

    assert "delivery_without_rate" in plan_by_index(held.values("pk", "conversion_id"))
