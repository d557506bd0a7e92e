"""The table of exchange rates, as staff keep it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.urls import reverse

from offers.models import ExchangeRate
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
LIST = reverse("admin:offers_exchangerate_changelist")
ADD = reverse("admin:offers_exchangerate_add")
DAY = date(2026, 11, 20)
FORM = {"currency": "UGX", "into": "USD", "rate": "0.00027", "valid_on": "2026-11-20", "source": "Bank of Uganda"}


def keeper() -> Any:
    return staff_client(*(f"offers.{verb}_exchangerate" for verb in ("view", "add", "change", "delete")))


def make_rate(rate: str = "0.00027", **fields: Any) -> ExchangeRate:
    values = {"currency": "UGX", "into": "USD", "valid_on": DAY, "source": "Bank of Uganda", **fields}
    return ExchangeRate.objects.create(rate=Decimal(rate), **values)


def answer_to(**changes: str) -> str:
    return keeper().post(ADD, {**FORM, **changes}, follow=True).content.decode()


def test_a_rate_is_entered_and_says_by_whom():
    page = answer_to(currency="ugx")

    rate = ExchangeRate.objects.get()
    assert (rate.currency, rate.rate, rate.valid_on) == ("UGX", Decimal("0.00027"), DAY)
    assert rate.changed_by.username in page
    assert "1 UGX = 0.00027 USD" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "UG"}, "three letters"),
        ({"currency": "U1X"}, "three letters"),
        ({"rate": "0"}, "greater than or equal to"),
        ({"rate": "-1"}, "greater than or equal to"),
        ({"rate": "0.000000001"}, "no more than 8 decimal places"),
        ({"rate": "much"}, "Enter a number"),
        ({"into": "UGX"}, "not one of the available choices"),
        ({"currency": "USD"}, "same currency"),
        ({"valid_on": "yesterday"}, "valid date"),
        ({"source": ""}, "required"),
    ],
)
def test_a_wrong_entry_is_refused_with_the_reason(changes, words):
    assert words in answer_to(**changes)
    assert not ExchangeRate.objects.exists()


def test_one_rate_a_day():
    make_rate()

    assert "Change that one." in answer_to(rate="0.00028")
    with pytest.raises(IntegrityError):
        make_rate("0.00028")


def test_the_database_refuses_a_rate_of_nothing():
    with pytest.raises(IntegrityError):
        make_rate("0")


def test_a_rate_for_what_tiktok_takes_is_kept_with_a_warning():
    assert "TikTok takes KES" in answer_to(currency="KES")
    assert ExchangeRate.objects.get().currency == "KES"


@pytest.mark.parametrize(("rate", "warns"), [("3700", True), ("0.00001", True), ("0.0003", False)])
def test_a_rate_upside_down_is_noticed(rate, warns):
    make_rate(valid_on=date(2026, 11, 1))

    assert ("upside down" in answer_to(rate=rate)) == warns


def test_a_change_has_a_name_too_and_nothing_changed_changes_nothing():
    rate, client = make_rate(), keeper()
    page = reverse("admin:offers_exchangerate_change", args=[rate.pk])

    client.post(page, FORM)
    rate.refresh_from_db()
    assert rate.changed_by is None
    client.post(page, {**FORM, "rate": "0.0003"})

    rate.refresh_from_db()
    assert (rate.rate, rate.changed_by is None) == (Decimal("0.0003"), False)


def test_an_empty_table_says_what_it_is_for():
    assert "held until there is a rate" in keeper().get(LIST).content.decode()


def test_who_may_only_look_changes_nothing():
    rate, client = make_rate(), staff_client("offers.view_exchangerate")

    assert client.get(LIST).status_code == 200
    assert client.get(ADD).status_code == 403
    assert client.post(reverse("admin:offers_exchangerate_delete", args=[rate.pk]), {"post": "yes"}).status_code == 403
