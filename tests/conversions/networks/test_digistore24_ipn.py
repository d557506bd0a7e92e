"""Digistore24's IPN: sha_sign, and what it says of payments, rebills, upsells and refunds."""

import html
from decimal import Decimal

import pytest

from conversions.calls import Call
from conversions.networks.digistore24_ipn import FORMAT, sign, unescaped
from conversions.outcomes import Outcome
from tests.conversions.networks.notices import assert_refused, books_in_any_order, form, opened, reason
from tests.conversions.networks.support import KEY, click_of, digested, read, refusal

NAME = "digistore24_ipn"
CLICK_ID = "0123456789abcdefghjkmnpqrs"
# Signed by hand: printf %s 'Zone=EUGeheim&1amount_affiliate=12.50Geheim&1…transaction_id=23650507Geheim&1' | sha512sum
PASSPHRASE = "Geheim&1"
PAYMENT = {
    "transaction_id": "23650507", "order_id": "RJXCW823", "event": "on_payment", "custom": "Müller &amp; Söhne",
    "currency": "EUR", "amount_affiliate": "12.50", "Zone": "EU", "pay_sequence_no": "0", "campaignkey": "",
}  # fmt: skip
RAW = (
    "FE89EF52C44BFF0367DA5E577B9107ED8EB80F11073DC98B5ADAEE9B2F3330606E9CBCD85A2315EA1BF47D8F764B3482F4DB5636097273504E"
    "ECEA8CE3B07106"
)
DECODED = (
    "72441108644A5AE325D97CAD9970B007774735E02D8196CC62E896B387CB50BB274BEAF826C88153CABA1F99BD1EF700D660E5548A011303663B"
    "FCC9D9B0D0AF"
)


def ipn(**params: str) -> Call:
    """A signed notification of a live order."""
    params = {"event": "on_payment", "api_mode": "live", "currency": "EUR", **params}
    return form({**params, "sha_sign": sign(list(params.items()), KEY)})


def transaction(event: str, order: str, own: str, amount: str, **params: str) -> Call:
    return ipn(event=event, order_id=order, transaction_id=own, amount_affiliate=amount, **params)


@pytest.mark.parametrize("signature", [RAW, DECODED, RAW.lower(), f" {RAW} "])
def test_what_sha512sum_signed_opens_with_and_without_its_entities(signature: str):
    call = form({**PAYMENT, "sha_sign": signature, "SHASIGN": "old"})

    read_as = html.unescape if signature == DECODED else str
    assert opened(NAME, call, "another", PASSPHRASE) == {name: read_as(value) for name, value in PAYMENT.items()}


@pytest.mark.parametrize(
    "change",
    [{"amount_affiliate": "99"}, {"transaction_id": "23650508"}, {"Zone": ""}, {"extra": "1"}, {"pay_sequence_no": ""},
     {"sha_sign": RAW[:-1]}, {"sha_sign": RAW[::-1]}, {"sha_sign": "ä"}],
)  # fmt: skip
def test_anything_changed_is_refused(change: dict[str, str]):
    call = form({**PAYMENT, "sha_sign": RAW, **change})

    assert "under any live passphrase" in reason(NAME, call, PASSPHRASE)


def test_an_empty_parameter_more_or_less_changes_nothing():
    assert opened(NAME, form({**PAYMENT, "sha_sign": RAW, "tags": ""}), PASSPHRASE)["tags"] == ""


def test_the_order_of_parameters_does_not_matter():
    shuffled = dict(reversed([*PAYMENT.items(), ("sha_sign", RAW)]))

    assert opened(NAME, form(shuffled), PASSPHRASE)["order_id"] == "RJXCW823"


@pytest.mark.parametrize("given", ["", "no_signature_passphrase_provided"])
def test_a_connection_without_passphrase_is_told_so(given: str):
    assert "Enter a passphrase" in reason(NAME, form({**PAYMENT, "sha_sign": given}))


def test_only_entities_with_their_semicolon_are_decoded():
    assert unescaped("a&amp;b &copy &#38; &quot;x&quot; &nonsense; &#x27;") == 'a&b &copy & "x" &nonsense; \''


def test_the_buyer_is_not_kept_but_the_email_that_is_hashed():
    call = ipn(address_street="Main Street 1", buyer_first_name="Jane", email="jane@example.com", country="IT")

    assert {"email", "country"} <= opened(NAME, call).keys() <= {"event", "api_mode", "currency", "email", "country"}


def test_what_a_payment_says():
    record = read(
        NAME, None, event="on_payment", order_id="ORDER", transaction_id="11", cid=CLICK_ID, amount_affiliate="12.50",
        amount_brutto="37.00", currency="CHF", pay_sequence_no="0", upsell_no="0",
    )  # fmt: skip

    assert (record.click_id, record.transaction_id, record.status, record.kind) == (CLICK_ID, "11", "approved", "sale")
    assert (record.payout, record.amount, record.currency) == (Decimal("12.50"), Decimal(37), "CHF")


@pytest.mark.parametrize("place", ["cid", "click_id", "custom", "sid1", "sid5", "trackingkey", "campaignkey"])
def test_the_click_id_is_found_wherever_the_link_carried_it(place: str):
    record = read(NAME, None, **{"event": "on_payment", "custom": "something else", place: CLICK_ID})

    assert record.click_id == CLICK_ID


@pytest.mark.parametrize(
    ("amounts", "payout"),
    [
        ({"amount_affiliate": "0.00", "amount_payout": "26.41"}, "26.41"),
        ({"amount_affiliate": "5", "amount_payout": "26.41"}, "5"),
        ({"amount_affiliate": "0.00"}, "0"),
        ({"amount_affiliate": "-5,50"}, "-5.5"),
    ],
)
def test_the_payout_is_the_affiliates_or_where_there_is_none_the_vendors(amounts: dict[str, str], payout: str):
    assert read(NAME, None, event="on_payment", **amounts).payout == Decimal(payout)


@pytest.mark.parametrize(
    ("event", "numbers", "kind"),
    [("on_payment", {"pay_sequence_no": "1"}, "sale"), ("on_payment", {"pay_sequence_no": "2"}, "rebill"),
     ("on_payment", {"upsell_no": "1"}, "upsell"), ("on_payment", {"upsell_no": "1", "pay_sequence_no": "3"}, "rebill"),
     ("on_payment", {"pay_sequence_no": "x"}, "sale"), ("on_refund", {"pay_sequence_no": "2"}, "rebill"),
     ("on_refund", {"pay_sequence_no": "1"}, ""), ("on_chargeback", {"upsell_no": "2"}, "upsell")],
)  # fmt: skip
def test_what_was_sold_is_told_by_the_numbers(event: str, numbers: dict[str, str], kind: str):
    assert read(NAME, None, event=event, **numbers).kind == kind


def test_a_refund_is_that_of_the_payment_it_points_at_and_is_known_by_its_own_id():
    record = read(NAME, None, event="on_refund", transaction_id="12", parent_transaction_id="11", order_id="ORDER")

    assert (record.transaction_id, record.fact, record.status) == ("11", "12", "refunded")


def test_a_refund_that_points_nowhere_is_joined_by_its_click_or_by_the_id_it_names():
    record = read(NAME, None, event="on_refund", transaction_id="11", cid=CLICK_ID)

    assert (record.transaction_id, record.parent, record.click_id) == ("", "11", CLICK_ID)


@pytest.mark.parametrize("event", [word for word, means in FORMAT.status_words.items() if means in ("test", "ignored")])
def test_what_is_no_money_changes_nothing(event: str):
    assert refusal(NAME, None, event=event) == FORMAT.status_words[event]


@pytest.mark.parametrize("event", ["on_payment", "on_refund"])
def test_a_test_order_is_a_test(event: str):
    assert refusal(NAME, None, event=event, api_mode="test") == Outcome.TEST


@pytest.mark.django_db
def test_the_answer_begins_with_ok_also_to_the_connection_test():
    network = click_of(NAME).offer.network

    postback = digested(network, ipn(event="connection_test"))

    assert (postback.answer.content, postback.outcome) == (b"OK\n", Outcome.TEST)


@pytest.mark.django_db
def test_a_tampered_notification_is_refused():
    network = click_of(NAME).offer.network
    call = transaction("on_payment", "ORDER", "11", "12.50", cid=CLICK_ID)
    call.body = call.body.replace(b"12.50", b"99.50")

    postback = assert_refused(network, call)

    assert "sha_sign" in postback.detail


@pytest.mark.django_db
def test_a_subscription_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        rebill = {"pay_sequence_no": "2", "cid": click_id}
        return [
            transaction("on_payment", tag, f"{tag}1", "20", cid=click_id, pay_sequence_no="1"),
            transaction("on_payment", tag, f"{tag}2", "15", **rebill),
            transaction("on_refund", tag, f"{tag}3", "-15", parent_transaction_id=f"{tag}2", **rebill),
            transaction("on_chargeback", tag, f"{tag}4", "-20", parent_transaction_id=f"{tag}1"),
        ]

    assert books_in_any_order(NAME, facts) == [
        ("rebill", "#2", "refunded", "15.00"),
        ("sale", "#1", "chargeback", "20.00"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("refund_id", ["1", "2"], ids=["with the payment's id", "with an id of its own"])
def test_a_refund_that_does_not_point_at_its_payment_ends_the_same_in_any_order(refund_id: str):
    def facts(click_id: str, tag: str) -> list[Call]:
        return [
            transaction("on_payment", tag, f"{tag}1", "20", custom=click_id),
            transaction("on_refund", tag, f"{tag}{refund_id}", "-20", custom=click_id),
        ]

    assert books_in_any_order(NAME, facts) == [("sale", "#1", "refunded", "20.00")]


@pytest.mark.django_db
def test_two_refunds_of_a_part_end_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        payment = transaction("on_payment", tag, f"{tag}1", "20", cid=click_id)
        refunds = [
            transaction("on_refund", tag, f"{tag}{number}", "-8", parent_transaction_id=f"{tag}1") for number in (2, 3)
        ]
        return [payment, *refunds]

    assert books_in_any_order(NAME, facts) == [("sale", "#1", "partial", "20.00")]


def test_an_entity_that_was_put_in_later_is_read_as_what_was_signed():
    plain = {"event": "on_payment", "order_id": "A", "transaction_id": "1"}
    call = form({**plain, "transaction_id": "&#49;", "sha_sign": sign(list(plain.items()), KEY)})

    assert opened(NAME, call, KEY)["transaction_id"] == "1"
