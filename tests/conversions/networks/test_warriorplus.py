"""WarriorPlus: the key that comes along, and what is said of sales, subscriptions, refunds and disputes."""

from decimal import Decimal

import pytest

from conversions.calls import Call
from conversions.networks.warriorplus import FORMAT
from conversions.outcomes import Outcome
from tests.conversions.networks.notices import assert_refused, books_in_any_order, form, opened, reason
from tests.conversions.networks.support import KEY, click_of, digested, read, refusal

NAME = "warriorplus"
CLICK_ID = "0123456789abcdefghjkmnpqrs"
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="WP_SECURITYKEY"\r\n\r\nthe-real-one\r\n'
    b'--x\r\nContent-Disposition: form-data; name="WP_SALE"\r\n\r\nsale_1\r\n--x--\r\n'
)


def ipn(action: str, sale: str, payout: str, message: str, sid: str = "", **params: str) -> Call:
    """A message with the key."""
    told = {
        "WP_ACTION": action, "WP_SALE": sale, "WP_SALE_AMOUNT": "40.00", "WP_SALE_CURRENCY": "USD", "WP_SID": sid,
        "WP_SALE_EARNINGS_AFF": payout, "IPN_ID": message, "IPN_RCPT_TYPE": "aff", "WP_SECURITYKEY": KEY,
    }  # fmt: skip
    return form({**told, **params})


def payment(number: str, transaction_id: str) -> dict[str, str]:
    """What a message of a subscription's payment has besides."""
    return {"WP_SUBSCR_PAYMENT_NUM": number, "WP_SUBSCR_PAYMENT_TXNID": transaction_id}


def test_what_comes_with_the_key_opens_without_key_and_buyer():
    call = ipn("sale", "sale_1", "20", "ipn_1", WP_BUYER_NAME="Jane", WP_BUYER_IP="192.0.2.1", WP_BUYER_EMAIL="j@x.org")

    kept = opened(NAME, call, "another", KEY)

    assert kept["email"] == "j@x.org"
    assert not {"WP_SECURITYKEY", "WP_BUYER_NAME", "WP_BUYER_IP", "WP_BUYER_EMAIL"} & kept.keys()


@pytest.mark.parametrize("key", ["", "a-signing-ke", "a-signing-key2", "A-SIGNING-KEY", "ä"])
def test_another_key_is_refused(key: str):
    assert "WP_SECURITYKEY" in reason(NAME, ipn("sale", "sale_1", "20", "ipn_1", WP_SECURITYKEY=key))


def test_what_a_sale_says():
    record = read(
        NAME, None, WP_ACTION="sale", WP_SALE="sale_1", WP_SALEID="7", WP_TXNID="PP1", WP_SALE_AMOUNT="40.00",
        WP_SALE_EARNINGS_AFF="20.00", WP_SALE_EARNINGS_VENDOR="17", WP_SALE_CURRENCY="USD", WP_HOP_TID=CLICK_ID,
    )  # fmt: skip

    assert (record.click_id, record.transaction_id, record.kind) == (CLICK_ID, "sale_1", "sale")
    assert (record.payout, record.amount, record.currency) == (Decimal(20), Decimal(40), "USD")


@pytest.mark.parametrize(
    "passed",
    [{"WP_HOP_TID": CLICK_ID}, {"WP_HOP_SID": CLICK_ID}, {"WP_SID": CLICK_ID}, {"WP_CHECKOUT_CUSTOM": CLICK_ID},
     {"WP_SID": "mail", "WP_CHECKOUT_CUSTOM": f"a=1&click={CLICK_ID}"}],
)  # fmt: skip
def test_the_click_id_is_found_wherever_the_link_carried_it(passed: dict[str, str]):
    assert read(NAME, None, WP_ACTION="sale", **passed).click_id == CLICK_ID


def test_without_an_affiliates_part_the_payout_is_the_vendors():
    record = read(NAME, None, WP_ACTION="sale", WP_SALE_EARNINGS_AFF="0.00", WP_SALE_EARNINGS_VENDOR="17")

    assert record.payout == Decimal(17)


@pytest.mark.parametrize(
    ("action", "more", "status", "kind", "transaction_id", "parent"),
    [
        ("sale", {}, "approved", "sale", "sale_1", ""),
        ("sale", {"WP_PAYMENT_STATUS": "Pending"}, "pending", "sale", "sale_1", ""),
        ("subscr_completed", payment("1", "TX1"), "approved", "sale", "sale_1", ""),
        ("subscr_completed", payment("2", "TX2"), "approved", "rebill", "TX2", "sale_1"),
        ("subscr_completed", payment("", "TX2"), "approved", "rebill", "TX2", "sale_1"),
        ("refund", {}, "refunded", "", "sale_1", ""),
        ("refund", payment("2", "TX2"), "refunded", "rebill", "TX2", "sale_1"),
        ("dispute", {}, "chargeback", "", "sale_1", ""),
    ],
)
def test_what_an_action_means(action, more, status, kind, transaction_id, parent):
    record = read(NAME, None, WP_ACTION=action, WP_SALE="sale_1", **more)

    assert (record.status, record.kind) == (status, kind)
    assert (record.transaction_id, record.parent) == (transaction_id, parent)


@pytest.mark.parametrize(
    "action", [word for word, means in FORMAT.status_words.items() if means in ("test", "ignored")]
)
def test_what_is_no_money_changes_nothing(action: str):
    assert refusal(NAME, None, WP_ACTION=action) == FORMAT.status_words[action]


@pytest.mark.django_db
def test_a_forged_message_is_refused():
    network = click_of(NAME).offer.network

    postback = assert_refused(network, ipn("sale", "sale_1", "20", "ipn_1", CLICK_ID, WP_SECURITYKEY="guessed"))

    assert "none of the live keys" in postback.detail


@pytest.mark.django_db
@pytest.mark.parametrize(
    "call",
    [
        ipn("sale", "sale_1", "20", "ipn_1", WP_SECURITYKEY="the-real-one"),
        Call("POST", "", b'{"WP_SECURITYKEY": "the-real-one", "WP_ACTION": "sale_1"}', "application/json"),
        Call("POST", "", MULTIPART, "multipart/form-data; boundary=x"),
        Call("GET", "WP_SECURITYKEY=the-real-one&WP_SALE=sale_1"),
    ],
)
def test_the_key_of_a_refused_message_is_not_shown(call: Call):
    postback = digested(click_of(NAME).offer.network, call)

    assert postback.outcome == Outcome.BAD_SIGNATURE
    assert "WP_" in postback.raw_call
    assert "the-real-one" not in postback.raw_call


@pytest.mark.django_db
def test_a_subscription_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        second = payment("2", f"{tag}TX2")
        return [
            ipn("sale", f"{tag}S", "20", f"{tag}a", click_id),
            ipn("subscr_completed", f"{tag}S", "15", f"{tag}b", **second),
            ipn("refund", f"{tag}S", "15", f"{tag}c", **second),
        ]

    assert books_in_any_order(NAME, facts) == [
        ("rebill", "#TX2", "refunded", "15.00"),
        ("sale", "#S", "approved", "20.00"),
    ]


@pytest.mark.django_db
def test_a_dispute_beside_a_refund_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        reversals = [ipn("refund", f"{tag}S", "5", f"{tag}b"), ipn("dispute", f"{tag}S", "20", f"{tag}c")]
        return [ipn("sale", f"{tag}S", "20", f"{tag}a", click_id), *reversals]

    assert books_in_any_order(NAME, facts) == [("sale", "#S", "chargeback", "20.00")]


@pytest.mark.django_db
def test_two_equal_refunds_of_a_part_end_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        sale = ipn("sale", f"{tag}S", "20", f"{tag}a", click_id)
        return [sale, *(ipn("refund", f"{tag}S", "-8", f"{tag}{message}") for message in "bc")]

    assert books_in_any_order(NAME, facts) == [("sale", "#S", "partial", "20.00")]
