"""CAKE: tokens between number signs, no currency, no status."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from conversions.networks import cake
from offers.models import Network
from tests.conversions.networks.support import read, refusal


def test_a_filled_template_is_read():
    record = read("cake", click_id="abc", txid="L-1", payout="3.50", ts="1768500000")

    assert (record.click_id, record.transaction_id, record.status, record.payout) == (
        "abc", "L-1", "approved", Decimal("3.50"),
    )  # fmt: skip
    assert record.occurred_at == datetime(2026, 1, 15, 18, 0, tzinfo=UTC)


def test_the_currency_is_the_networks():
    assert read("cake", Network(adapter="cake", default_currency="GBP"), payout="1").currency == "GBP"


@pytest.mark.parametrize(("name", "macro"), cake.FORMAT.macros.items())
def test_a_token_that_was_not_filled_is_named(name: str, macro: str):
    assert refusal("cake", **{name: macro}) == "unreplaced_macro"


def test_the_sub_id_is_the_one_that_holds_a_hundred():
    assert (cake.FORMAT.link_parameter, cake.FORMAT.sub_id_limit) == ("s2", 100)
