"""ClickBank's S2S postbacks."""

from decimal import Decimal

import pytest

from conversions.calls import Call
from tests.conversions.networks.notices import books_in_any_order
from tests.conversions.networks.support import read, refusal, template

NAME = "clickbank_s2s"


@pytest.mark.parametrize(
    ("word", "kind"),
    [("PURCHASE", ""), ("Purchase", ""), ("Initial Purchase", ""), ("Combined Conversion", ""),
     ("UPSELL", "upsell"), ("Upsell Purchase", "upsell")],
)  # fmt: skip
def test_what_was_sold_is_told_by_the_event_type(word: str, kind: str):
    record = read(NAME, None, click_id="abc", txid="R-1", status=word, payout="31.4")

    assert (record.click_id, record.transaction_id, record.status, record.kind) == ("abc", "R-1", "approved", kind)


@pytest.mark.parametrize("word", ["ORDER_IMPRESSION", "Order Form Impression"])
def test_the_sight_of_an_order_form_changes_nothing(word: str):
    assert refusal(NAME, None, click_id="abc", status=word) == "ignored"


def test_an_event_type_that_nobody_knows_waits_for_somebody_to_map_it():
    assert refusal(NAME, None, click_id="abc", status="GIFT") == "unmapped_status"


@pytest.mark.parametrize(("currency", "amount"), [("USD", 59), ("", 59), ("EUR", None)])
def test_earnings_are_dollars_whatever_the_customer_paid_in(currency: str, amount: int | None):
    record = read(NAME, None, click_id="abc", status="PURCHASE", payout="31.4", amount="59", currency=currency)

    assert (record.payout, record.amount, record.currency) == (Decimal("31.40"), amount, "USD")


@pytest.mark.django_db
def test_a_sale_and_its_upsells_end_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        told = {"click_id": click_id, "currency": "USD"}
        return [
            template(txid=f"{tag}1", status="PURCHASE", payout="20", **told),
            template(txid=f"{tag}2", status="UPSELL", payout="9", **told),
            template(txid=f"{tag}3", status="UPSELL", payout="5", **told),
        ]

    assert books_in_any_order(NAME, facts) == [
        ("sale", "#1", "approved", "20.00"),
        ("upsell", "#2", "approved", "9.00"),
        ("upsell", "#3", "approved", "5.00"),
    ]
