"""JVZoo's JVZIPN, version 2: what is signed of it and what is not, dollars, payouts."""

import json
from decimal import Decimal

import pytest

from conversions.calls import Call
from conversions.networks.jvzoo_v2 import FORMAT, sign
from tests.conversions.networks.notices import assert_refused, books_in_any_order, form, opened, reason
from tests.conversions.networks.support import KEY, click_of, read

NAME = "jvzoo_v2"
CLICK_ID = "0123456789abcdefghjkmnpqrs"
SECRET = "legacy-secret"
# printf %s 'AP-ABC123XYZ|jane@example.com|Widget|SALE|2026-01-15 13:00:00|legacy-secret' | sha1sum
SALE = {
    "paykey": "AP-ABC123XYZ", "customer_email": "jane@example.com", "product_name": "Widget",
    "transaction_type": "SALE", "date": "2026-01-15 13:00:00", "transaction_id": "RNQLMA1", "total": "47.00",
    "customer_first_name": "Jane", "delivery_city": "Ghent", "other_params": f"vtid=1&tid={CLICK_ID}&utm_source=x",
    "cverify": "38CD8F63",
}  # fmt: skip
PAYOUTS = [
    {"payee_amount": "23.50", "payout_type": "AFFILIATES"},
    {"payee_amount": 2.35, "payout_type": "JVZOO DOT COM"},
]


def jvzipn(kind: str, transaction_id: str, total: str, payout: str = "", tid: str = "") -> Call:
    """A signed notification with the affiliates' payout."""
    payouts = [{"payee_amount": payout, "payout_type": "AFFILIATES"}, *PAYOUTS[1:]]
    params = {
        "paykey": f"AP-{transaction_id}", "product_name": "Widget", "transaction_type": kind,
        "date": "2026-01-15 13:00:00", "transaction_id": transaction_id, "total": total,
        "transactionPayouts": json.dumps(payouts), "other_params": f"tid={tid}" if tid else "orderform_view_id=3",
    }  # fmt: skip
    return form({**params, "cverify": sign(list(params.items()), KEY)})


def test_what_sha1sum_signed_opens_without_the_buyers_name_and_address():
    kept = opened(NAME, form(SALE), "another", SECRET)

    assert "customer_email" in kept
    assert not {"cverify", "customer_first_name", "delivery_city"} & kept.keys()


@pytest.mark.parametrize("name", ["paykey", "customer_email", "product_name", "transaction_type", "date", "cverify"])
def test_what_is_signed_can_not_be_changed(name: str):
    assert "cverify" in reason(NAME, form({**SALE, name: "38CD8F64"}), SECRET)


def test_whoever_sets_it_up_is_told_that_the_amount_is_not_signed():
    assert opened(NAME, form({**SALE, "total": "9999"}), SECRET)["total"] == "9999"
    assert "signs neither the amount nor the click id" in FORMAT.help


def test_what_a_sale_says():
    record = read(NAME, None, **SALE, transactionPayouts=json.dumps(PAYOUTS))

    assert (record.click_id, record.transaction_id, record.kind) == (CLICK_ID, "RNQLMA1", "sale")
    assert (record.payout, record.amount, record.currency) == (Decimal("23.50"), Decimal(47), "USD")
    assert record.occurred_at is None


@pytest.mark.parametrize("payouts", ["", "[]", "{}", "nonsense", "[null, 3]", '[{"payout_type": "VENDOR"}]'])
def test_without_an_affiliates_part_the_payout_is_not_known(payouts: str):
    assert read(NAME, None, transaction_type="SALE", transactionPayouts=payouts).payout is None


@pytest.mark.parametrize(
    "passed", [{"other_params": f"tid={CLICK_ID}"}, {"tid": CLICK_ID}, {"other_params": f"sid1=a&vtid={CLICK_ID}"}]
)
def test_the_click_id_is_found_wherever_the_link_carried_it(passed: dict[str, str]):
    assert read(NAME, None, transaction_type="SALE", **passed).click_id == CLICK_ID


@pytest.mark.parametrize(
    ("kind", "transaction_id", "status", "sold", "parent"),
    [
        ("SALE", "R1", "approved", "sale", ""),
        ("BILL", "R1-B002", "approved", "rebill", "R1"),
        ("RFND", "R1", "refunded", "", ""),
        ("RFND", "R1-B002", "refunded", "rebill", "R1"),
    ],
)
def test_what_was_sold_is_told_by_the_transaction_id(kind, transaction_id, status, sold, parent):
    record = read(NAME, None, transaction_type=kind, transaction_id=transaction_id)

    assert (record.status, record.kind, record.parent) == (status, sold, parent)


@pytest.mark.django_db
def test_a_tampered_notification_is_refused():
    network = click_of(NAME).offer.network
    call = jvzipn("RFND", "R1", "20.00", tid=CLICK_ID)
    call.body = call.body.replace(b"RFND", b"SALE")

    assert "cverify" in assert_refused(network, call).detail


@pytest.mark.django_db
def test_a_subscription_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        return [
            jvzipn("SALE", f"{tag}R", "40.00", "20.00", click_id),
            jvzipn("BILL", f"{tag}R-B001", "30.00", "15.00"),
            jvzipn("RFND", f"{tag}R-B001", "30.00", "15.00"),
        ]

    assert books_in_any_order(NAME, facts) == [
        ("rebill", "#R-B001", "refunded", "15.00"),
        ("sale", "#R", "approved", "20.00"),
    ]


@pytest.mark.django_db
def test_two_refunds_of_a_part_end_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        refunds = [jvzipn("RFND", f"{tag}R", "-10.00", "-5.00"), jvzipn("RFND", f"{tag}R", "-4.00", "-2.00")]
        return [jvzipn("SALE", f"{tag}R", "40.00", "20.00", click_id), *refunds]

    assert books_in_any_order(NAME, facts) == [("sale", "#R", "partial", "20.00")]
