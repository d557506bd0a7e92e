"""ClickBank INS: what decrypts is ClickBank's, and what it says of sales, rebills, upsells and refunds."""

import base64
import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from conversions.calls import Call
from conversions.identity import hash_email
from conversions.networks.clickbank_ins import FORMAT, encrypted
from conversions.outcomes import Outcome
from tests.conversions.networks.notices import FORM, assert_refused, books_in_any_order, opened, reason, tell
from tests.conversions.networks.support import KEY, click_of, digested, network_of, read, refusal
from tests.factories import make_click, make_offer

NAME = "clickbank_ins"
SECRET = "CBTEST1234567890"
IV = bytes(range(16))
CLICK_ID = "0123456789abcdefghjkmnpqrs"
JSON = "application/json"
# Both made by OpenSSL: `printf %s '{…}' | openssl enc -aes-256-cbc -K … -iv 000102030405060708090a0b0c0d0e0f -base64`
TEST = "AxV4JE1XfhoagBkx8fG7ALvsncgYIwGULO7mhr5l6WgFAphqkC1jr6ZavMiJvbFOnSHQug+q/iOUlPV70NVW0g=="
SALE = (
    "p8+Uhx85Hu6NZRyv03g3RyZpy4E2c4gqyTWF4Ivbe871Zf5CIAPW1tL2kEnlVSzVffHmKItVyJN9vB+loA5194MitK5uMfl0LmCeQ1avBQQtyul8"
    "t5hCgOho19wNw/QPIk/PQnN8yMxH2CnWZGaovMpIK0OhSiCAC5GLHpy+JsMV4uaSblIdGCyZQiXeswnMNRKnYbVRaRlGiivoV9AkEuDF/Ti8CIV5"
    "D0asHWN765Id/KGT0EPedAwoDtmWDWOQhwy4q7LQlfPzrLdrwi7K+0nE+zj2Nc0WWUSZS3OkXNXB+0EIihXgQtUstbIj83n6"
)


def envelope(notification: str) -> dict[str, str]:
    return {"notification": notification, "iv": base64.b64encode(IV).decode()}


def ins(key: str = KEY, /, **members: Any) -> Call:
    """A notification with these members, as ClickBank sends it."""
    notice = {"transactionTime": "2026-01-15T10:00:00-08:00", "role": "AFFILIATE", "version": 8.0, "attemptCount": 1}
    return Call("POST", "", encrypted(json.dumps({**notice, **members}).encode(), key, IV), JSON)


def notice(kind: str, receipt: str, amount: float, tid: str = "", original: str = "") -> Call:
    """A notification in the form of version 6, with the tid only where it is given."""
    members: dict[str, Any] = {"transactionType": kind, "receipt": receipt, "totalAccountAmount": amount, "version": 6}
    members |= {"trackingCodes": [tid]} if tid else {}
    members |= {"upsell": {"upsellOriginalReceipt": original, "upsellFlowId": 7}} if original else {}
    return ins(**members)


def params(**members: Any) -> dict[str, str]:
    """The members as they are kept."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}


def test_the_published_vector_opens():
    call = Call("POST", "", json.dumps(envelope(TEST)).encode(), JSON)

    assert opened(NAME, call, SECRET) == {"version": "8.0", "transactionType": "TEST", "receipt": "********"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps(envelope(SALE)), JSON),
        (json.dumps(envelope(SALE)), "text/plain"),
        (urlencode(envelope(SALE)), FORM),
        ("&".join(f"{name}={value}" for name, value in envelope(SALE).items()), FORM),
    ],
    ids=["JSON", "JSON of another type", "form", "form whose pluses are not escaped"],
)
def test_a_sale_that_openssl_encrypted_is_recorded(body: str, content_type: str):
    click = make_click(make_offer(network=network_of(NAME, signing_key=SECRET)), pk=CLICK_ID)

    postback = digested(click.offer.network, Call("POST", "", body.encode(), content_type))

    assert (postback.answer.status_code, postback.answer.content) == (200, b"OK\n")
    assert (postback.outcome, postback.transaction_id) == (Outcome.RECORDED, "W2RTAB12")
    assert (postback.conversion.payout, postback.conversion.currency) == (Decimal("31.40"), "USD")


def test_what_a_sale_says():
    record = read(
        NAME, None, **params(
            transactionType="SALE", receipt="W2RTAB12", totalAccountAmount=31.4, totalOrderAmount=59.0, currency="EUR",
            transactionTime="2026-01-15T10:00:00-08:00", trackingCodes=[CLICK_ID], attemptCount=3,
        )
    )  # fmt: skip

    assert (record.click_id, record.transaction_id, record.status) == (CLICK_ID, "W2RTAB12", "approved")
    assert (record.payout, record.amount, record.currency) == (Decimal("31.40"), None, "USD")
    assert (record.kind, record.parent) == ("sale", "")
    assert record.occurred_at.isoformat() == "2026-01-15T10:00:00-08:00"


def test_the_order_amount_counts_where_the_customer_paid_in_dollars():
    sale = {"transactionType": "SALE", "totalOrderAmount": "59"}

    assert [read(NAME, None, **sale, currency=code).amount for code in ("USD", "", "CAD")] == [59, 59, None]


@pytest.mark.parametrize(
    "tracking",
    [
        {"affiliateTrackingParameters": {"extclid": CLICK_ID}, "trackingCodes": ["other"]},
        {"affiliateTrackingParameters": [{"extclid": CLICK_ID.upper()}]},
        {"affiliateTrackingParameters": [None, 3, {"adgroup": "x"}, {"extclid": CLICK_ID}]},
        {"affiliateTrackingParameters": {"extclid": ""}, "trackingCodes": [CLICK_ID]},
        {"affiliateTrackingParameters": {"extclid": "a-banner"}, "trackingCodes": ["mail", CLICK_ID]},
        {"trackingCodes": CLICK_ID},
        {"vendorVariables": {"item": "1", "v2": CLICK_ID}, "trackingCodes": ["mail"]},
        {"affiliateTrackingParameters": {"extclid": "banner", "affSub1": CLICK_ID}},
    ],
)
def test_the_click_id_is_found_wherever_it_may_stand(tracking: dict[str, Any]):
    assert read(NAME, None, **params(transactionType="SALE", **tracking)).click_id == CLICK_ID


@pytest.mark.parametrize(
    ("kind", "receipt", "original", "status", "sold", "parent"),
    [
        ("SALE", "SALE1234", "", "approved", "sale", ""),
        ("SALE", "SALE1234", "SALE1234", "approved", "sale", ""),
        ("SALE", "UPSL1234", "SALE1234", "approved", "upsell", "SALE1234"),
        ("BILL", "SALE1234-B001", "", "approved", "rebill", "SALE1234"),
        ("BILL", "SALE1234-0012", "", "approved", "rebill", "SALE1234"),
        ("BILL", "UPSL1234-B002", "SALE1234", "approved", "rebill", "UPSL1234"),
        ("RFND", "SALE1234", "", "refunded", "", ""),
        ("RFND", "SALE1234-B001", "", "refunded", "rebill", "SALE1234"),
        ("RFND", "UPSL1234", "SALE1234", "refunded", "upsell", "SALE1234"),
        ("CGBK", "SALE1234-B001", "", "chargeback", "rebill", "SALE1234"),
        ("INSF", "SALE1234", "", "chargeback", "", ""),
        ("sale", "SALE1234", "", "approved", "sale", ""),
    ],
)
def test_what_was_sold_is_told_by_the_receipt(kind, receipt, original, status, sold, parent):
    upsell = {"upsell": {"upsellOriginalReceipt": original}}

    record = read(NAME, None, **params(transactionType=kind, receipt=receipt, **upsell))

    assert (record.transaction_id, record.status, record.kind, record.parent) == (receipt, status, sold, parent)


@pytest.mark.parametrize("kind", [word for word, means in FORMAT.status_words.items() if means in ("test", "ignored")])
def test_what_is_no_money_changes_nothing(kind: str):
    outcome = FORMAT.status_words[kind]

    assert refusal(NAME, None, transactionType=kind, receipt="********") == outcome
    assert (outcome == Outcome.TEST) == ("TEST" in kind)


def test_a_transaction_type_that_nobody_knows_waits_for_somebody_to_map_it():
    assert refusal(NAME, None, transactionType="GIFT", receipt="SALE1234") == Outcome.UNMAPPED_STATUS


def test_two_refunds_of_a_receipt_differ_by_their_amount_and_a_repetition_does_not():
    facts = [
        read(NAME, None, transactionType="RFND", receipt="S", totalAccountAmount=amount, attemptCount=attempt).fact
        for amount, attempt in [("-10.0", "1"), ("-10", "2"), ("-5", "1")]
    ]

    assert facts[0] == facts[1] != facts[2]


@pytest.mark.django_db
def test_a_subscription_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        return [
            notice("SALE", f"{tag}SALE", 20, click_id),
            notice("BILL", f"{tag}SALE-B001", 15),
            notice("RFND", f"{tag}SALE-B001", -15),
            notice("CGBK", f"{tag}SALE", -20),
        ]

    assert books_in_any_order(NAME, facts) == [
        ("rebill", "#SALE-B001", "refunded", "15.00"),
        ("sale", "#SALE", "chargeback", "20.00"),
    ]


@pytest.mark.django_db
def test_two_refunds_of_a_part_end_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        refunds = [notice("RFND", f"{tag}SALE", amount) for amount in (-5, -8)]
        return [notice("SALE", f"{tag}SALE", 20, click_id), *refunds]

    assert books_in_any_order(NAME, facts) == [("sale", "#SALE", "partial", "20.00")]


@pytest.mark.django_db
def test_an_upsell_without_its_tid_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        return [
            notice("SALE", f"{tag}SALE", 20, click_id),
            notice("SALE", f"{tag}UPSL", 9, original=f"{tag}SALE"),
            notice("RFND", f"{tag}UPSL", -9),
        ]

    assert books_in_any_order(NAME, facts) == [
        ("sale", "#SALE", "approved", "20.00"),
        ("upsell", "#UPSL", "refunded", "9.00"),
    ]


@pytest.mark.django_db
def test_a_repeated_attempt_is_a_duplicate():
    click = click_of(NAME)

    sale = {"transactionType": "SALE", "receipt": "S", "totalAccountAmount": 5, "trackingCodes": [click.pk]}

    for attempt in (1, 2):
        postback = digested(click.offer.network, ins(**sale, attemptCount=attempt))

    assert postback.outcome == Outcome.DUPLICATE


@pytest.mark.django_db
@pytest.mark.parametrize(("declined", "email"), [(False, hash_email("jane@example.com")), (True, "")])
def test_of_the_buyer_only_the_digest_of_the_email_is_kept(declined: bool, email: str):
    click = click_of(NAME)
    buyer = {"billing": {"fullName": "Jane Doe", "email": "jane@example.com", "address": {"city": "Ghent"}}}
    sale = {"transactionType": "SALE", "receipt": "S", "trackingCodes": [click.pk], "declinedConsent": declined}

    postback = digested(click.offer.network, ins(**sale, customer=buyer))

    assert (postback.outcome, postback.email_sha256) == (Outcome.RECORDED, email)
    assert not any(word in str(postback.params) for word in ("Jane", "jane", "Ghent", "customer"))


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["notification", "iv"])
@pytest.mark.parametrize("place", [0, 5, -5])
def test_a_tampered_notification_is_refused(part: str, place: int):
    network = click_of(NAME).offer.network
    body = json.loads(notice("SALE", "SALE1234", 20, CLICK_ID).body)
    raw = bytearray(base64.b64decode(body[part]))
    raw[place] ^= 1
    body[part] = base64.b64encode(raw).decode()

    postback = assert_refused(network, Call("POST", "", json.dumps(body).encode(), JSON))

    assert "does not decrypt" in postback.detail


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"notification": "not base64!"}, "notification is not base64"),
        ({"notification": "ä"}, "notification is not base64"),
        ({"iv": "AAEC"}, "length"),
        ({"notification": "AAEC"}, "length"),
        ({"notification": ""}, "length"),
        ({"iv": 12}, "iv is not base64"),
        ({"notification": {"a": 1}}, "notification is not base64"),
    ],
)
def test_an_envelope_that_is_none_is_refused_with_the_reason(change: dict[str, Any], words: str):
    body = {**json.loads(notice("SALE", "S", 1).body), **change}

    assert words in reason(NAME, Call("POST", "", json.dumps(body).encode(), JSON))


@pytest.mark.parametrize(
    "clear",
    [
        b"",
        b"not JSON",
        b"[]",
        b"{}",
        b'{"version":8.0}',
        b'{"version":5.0,"transactionType":"SALE"}',
        b'{"version":9.0,"transactionType":"SALE"}',
        b'{"version":true,"transactionType":"SALE"}',
        b'{"version":8.0,"transactionType":["SALE"]}',
        b'{"versiom":8.0,"transactionType":"SALE","version":8}',
        b'{"version":8.0,"transactionType":"\xff"}',
        b'{"version":8.0,"transactionType":"SALE","x":' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
)
def test_what_decrypts_but_is_no_notification_is_refused(clear: bytes):
    assert reason(NAME, Call("POST", "", encrypted(clear, KEY, IV), JSON))


@pytest.mark.parametrize("version", [6, 6.0, 7.0, 8, "8.0"])
def test_each_known_version_opens(version: Any):
    assert opened(NAME, ins(version=version, transactionType="TEST"))["transactionType"] == "TEST"


def test_control_characters_behind_the_text_do_no_harm():
    clear = b'{"version":7.0,"transactionType":"TEST"}\x00\x04\n'

    assert opened(NAME, Call("POST", "", encrypted(clear, KEY, IV), JSON))["version"] == "7.0"


@pytest.mark.django_db
def test_a_large_notification_is_taken_and_a_huge_one_is_not():
    click = click_of(NAME)
    sale = {"transactionType": "SALE", "receipt": "S", "trackingCodes": [click.pk]}

    taken = digested(click.offer.network, ins(**sale, lineItems=[{"productTitle": "x" * 150_000}]))
    refused = digested(click.offer.network, ins(**sale, lineItems=[{"productTitle": "x" * 250_000}]))

    assert (taken.outcome, refused.outcome) == (Outcome.RECORDED, Outcome.TOO_LARGE)
    assert refused.answer.status_code == 404


@pytest.mark.django_db
def test_an_upsell_of_another_networks_sale_waits_for_its_own():
    click = click_of(NAME)
    stranger = click_of(NAME)
    tell(click.offer.network, [notice("SALE", "SALE1234", 20, click.pk)])

    postback = digested(stranger.offer.network, notice("SALE", "UPSL1234", 9, original="SALE1234"))

    assert postback.outcome == Outcome.UNMATCHED_CLICK


def test_a_notification_whose_beginning_was_cut_off_is_refused():
    cut = {"receipt": "ZZZZ34EFGH", "transactionType": "SALE", "version": 8.0, "attemptCount": 1}

    call = Call("POST", "", encrypted(json.dumps(cut).encode(), KEY, bytes(16)), JSON)

    assert "does not decrypt" in reason("clickbank_ins", call, KEY)
