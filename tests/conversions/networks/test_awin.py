"""Awin: a GET with !!!macros!!!, or the transaction as JSON, in a form or bare."""

from decimal import Decimal
from urllib.parse import urlencode

import orjson
import pytest

from conversions.calls import Call
from conversions.models import Conversion, Postback
from conversions.outcomes import Outcome
from tests.conversions.networks.support import click_of, digested, read, refusal, template

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def transaction(click_id: str, **members) -> bytes:
    """A transaction with the keys that public receivers of these notifications read."""
    return orjson.dumps(
        {
            "transactionId": "244231459", "transactionDate": "2026-01-06 18:35:28", "transactionAmount": "33.7",
            "commission": "0.67", "affiliateId": "242611", "merchantId": "2678", "clickRef": click_id,
            "clickTime": "2026-01-06 07:15:24", "transactionCurrency": "GBP",
            "commissionGroups": [{"id": "15250", "name": "Default Commission", "code": "DEFAULT"}], **members,
        }
    )  # fmt: skip


def pushed(body: bytes) -> Call:
    return Call("POST", "", urlencode({"AwinTransactionPush": body.decode()}).encode(), FORM)


def test_a_filled_template_is_read():
    record = read("awin", click_id="abc", txid="9", payout="0.67", amount="33.7", currency="GBP")

    assert (record.click_id, record.transaction_id, record.status) == ("abc", "9", "approved")
    assert (record.payout, record.amount, record.currency) == (Decimal("0.67"), Decimal("33.70"), "GBP")


@pytest.mark.parametrize("macro", ["!!!clickRef!!!", "!!!clickref!!!"])
def test_a_macro_that_awin_does_not_fill_is_named(macro: str):
    assert refusal("awin", click_id=macro) == "unreplaced_macro"


@pytest.mark.django_db
@pytest.mark.parametrize("wrap", [pushed, lambda body: Call("POST", "", body, JSON)], ids=["form", "bare JSON"])
def test_a_pushed_transaction_is_a_conversion(wrap):
    click = click_of("awin")

    digested(click.offer.network, wrap(transaction(click.pk)))

    conversion = Conversion.objects.get()
    assert (conversion.transaction_id, conversion.status) == ("244231459", "approved")
    assert (conversion.payout, conversion.amount, conversion.currency) == (Decimal("0.67"), Decimal("33.70"), "GBP")


@pytest.mark.django_db
def test_many_products_do_not_hide_the_transaction():
    click = click_of("awin")
    products = [{"productName": f"Product {n}", "unitPrice": "14.99"} for n in range(300)]

    postback = digested(click.offer.network, pushed(transaction(click.pk, products=products)))

    assert postback.outcome == Outcome.RECORDED


@pytest.mark.django_db
def test_get_and_push_of_one_transaction_count_once():
    click = click_of("awin")
    network = click.offer.network

    digested(network, template(click_id=click.pk, txid="244231459", payout="0.67", currency="GBP"))
    postback = digested(network, pushed(transaction(click.pk)))

    assert (postback.outcome, Conversion.objects.count()) == (Outcome.DUPLICATE, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"AwinTransactionPush=%7Bbroken", b"AwinTransactionPush=", b"AwinTransactionPush=1"])
def test_a_push_that_is_no_transaction_is_kept_with_the_reason(body: bytes):
    postback = digested(click_of("awin").offer.network, Call("POST", "", body, FORM))

    assert (postback.answer.status_code, postback.outcome) == (400, Outcome.UNDECODABLE)
    assert "AwinTransactionPush" in Postback.objects.get().raw_call
