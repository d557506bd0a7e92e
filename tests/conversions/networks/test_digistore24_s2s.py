"""Digistore24's S2S postbacks."""

from decimal import Decimal

import pytest

from conversions.calls import Call
from conversions.networks.digistore24_s2s import FORMAT
from tests.conversions.networks.notices import books_in_any_order
from tests.conversions.networks.support import read, refusal, template

NAME = "digistore24_s2s"


def test_what_a_payment_says():
    record = read(
        NAME, None, click_id="abc", txid="11", status="payment", payout="12.50", amount="37.00", currency="eur"
    )

    assert (record.click_id, record.transaction_id, record.status) == ("abc", "11", "approved")
    assert (record.payout, record.amount, record.currency) == (Decimal("12.50"), Decimal(37), "EUR")


@pytest.mark.parametrize(("word", "status"), [("refund", "refunded"), ("Chargeback", "chargeback")])
def test_a_reversal_is_its_clicks_and_is_known_by_its_own_id(word: str, status: str):
    record = read(NAME, None, click_id="abc", txid="12", status=word)

    assert (record.status, record.transaction_id, record.parent, record.fact) == (status, "", "12", "12")


@pytest.mark.parametrize("word", [word for word, means in FORMAT.status_words.items() if means in ("test", "ignored")])
def test_what_is_no_money_changes_nothing(word: str):
    assert refusal(NAME, None, click_id="abc", txid="12", status=word) == FORMAT.status_words[word]


def test_a_macro_that_was_not_replaced_is_refused():
    assert refusal(NAME, None, click_id="{cid}", status="payment") == "unreplaced_macro"


@pytest.mark.django_db
def test_a_payment_with_two_refunds_of_a_part_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        told = {"click_id": click_id, "currency": "EUR"}
        return [
            template(txid=f"{tag}1", status="payment", payout="20", **told),
            template(txid=f"{tag}2", status="refund", payout="-8", **told),
            template(txid=f"{tag}3", status="refund", payout="-8", **told),
        ]

    assert books_in_any_order(NAME, facts) == [("sale", "#1", "partial", "20.00")]
