"""BuyGoods: a conversion URL and a refund URL, told apart by the status that stands in them."""

from decimal import Decimal

import pytest

from conversions.models import Conversion, LedgerEntry
from tests.conversions.networks.support import click_of, digested, read, refusal, template


@pytest.mark.parametrize(
    ("word", "status"),
    [("approved", "approved"), ("Purchase", "approved"), ("refund", "refunded"), ("cancel", "rejected"),
     ("Chargeback", "chargeback"), ("Commission Void", "rejected")],
)  # fmt: skip
def test_its_words_are_statuses(word: str, status: str):
    assert read("buygoods", status=word).status == status


def test_a_sub_id_that_was_not_filled_is_named():
    assert refusal("buygoods", click_id="{SUBID}") == "unreplaced_macro"


@pytest.mark.django_db
@pytest.mark.parametrize("order", [("approved", "refund"), ("refund", "approved")])
@pytest.mark.parametrize("taken", ["40", "-40"])
def test_the_refund_url_takes_the_sale_back(order: tuple[str, str], taken: str):
    click = click_of("buygoods")
    calls = {"approved": {"payout": "40"}, "refund": {"payout": taken}}

    for status in order:
        digested(click.offer.network, template(click_id=click.pk, txid="B-1", status=status, **calls[status]))

    assert Conversion.objects.get().status == Conversion.Status.REFUNDED
    assert sum(LedgerEntry.objects.values_list("payout", flat=True)) == Decimal(0)


@pytest.mark.django_db
def test_a_refund_without_the_click_id_finds_its_order():
    click = click_of("buygoods")
    digested(click.offer.network, template(click_id=click.pk, txid="B-1", status="approved", payout="40"))

    digested(click.offer.network, template(click_id="", txid="B-1", status="refund", payout="40"))

    assert Conversion.objects.get().status == Conversion.Status.REFUNDED
