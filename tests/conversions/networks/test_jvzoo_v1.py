"""JVZoo's JVZIPN, version 1: cverify, pennies, receipts."""

from decimal import Decimal

import pytest

from conversions.calls import Call
from conversions.networks.jvzoo_v1 import STATUS_WORDS, sign
from conversions.outcomes import Outcome
from tests.conversions.networks.notices import assert_refused, books_in_any_order, form, opened, reason
from tests.conversions.networks.support import KEY, click_of, read, refusal

NAME = "jvzoo_v1"
CLICK_ID = "0123456789abcdefghjkmnpqrs"
SECRET = "legacy-secret"
# Its values in the order of their names, each with a |, then the secret: sha1sum begins with ece1546e.
SALE = {
    "ctransaction": "SALE", "caffitid": "clk_0123456789abcdef", "ccustemail": "jane@example.com",
    "ccustname": "Jane Doe", "cproditem": "55110", "cprodtitle": "Widget", "cprodtype": "STANDARD",
    "ctransaffiliate": "12345", "ctransamount": "4700", "ctranspaymentmethod": "PYPL", "ctransreceipt": "R-1001",
    "ctranstime": "1768500000", "ctransvendor": "999", "cupsellreceipt": "",
    "cvendthru": "tid=clk_0123456789abcdef", "cverify": "ECE1546E",
}  # fmt: skip


def jvzipn(kind: str, receipt: str, pennies: int, tid: str = "", before: str = "") -> Call:
    """A signed notification."""
    params = {
        "ctransaction": kind, "ctransreceipt": receipt, "ctransamount": str(pennies), "cupsellreceipt": before,
        "cvendthru": f"tid={tid}" if tid else "", "caffitid": "", "ccustemail": "jane@example.com",
    }  # fmt: skip
    return form({**params, "cverify": sign(list(params.items()), KEY)})


@pytest.mark.parametrize("cverify", ["ECE1546E", "ece1546e"])
def test_the_verified_vector_opens_without_the_buyers_name(cverify: str):
    kept = opened(NAME, form({**SALE, "cverify": cverify}), "another", SECRET)

    hidden = ("ccustname", "ccustemail", "cverify")
    assert kept == {name: value for name, value in SALE.items() if name not in hidden} | {"email": "jane@example.com"}


@pytest.mark.parametrize(
    "change", [{"ctransamount": "4701"}, {"ctransaction": "BILL"}, {"ccustname": "Jane"}, {"cnew": ""},
               {"cverify": "ECE1546F"}, {"cverify": "ECE1546"}, {"cverify": ""}],
)  # fmt: skip
def test_anything_changed_is_refused(change: dict[str, str]):
    assert "cverify" in reason(NAME, form({**SALE, **change}), SECRET)


def test_what_the_vector_says():
    record = read(NAME, None, **SALE)

    assert (record.click_id, record.transaction_id) == ("clk_0123456789abcdef", "R-1001")
    assert (record.status, record.kind, record.payout, record.currency) == ("approved", "sale", Decimal(47), "USD")
    assert record.occurred_at.timestamp() == 1_768_500_000


@pytest.mark.parametrize(
    ("text", "dollars"), [("4700", "47"), ("1", "0.01"), ("-4700", "-47"), ("1.00", "1"), ("0.50", "0.5"), ("0", "0")]
)
def test_an_amount_is_in_pennies_unless_it_has_a_point(text: str, dollars: str):
    assert read(NAME, None, ctransaction="SALE", ctransamount=text).payout == Decimal(dollars)


@pytest.mark.parametrize(
    "passed",
    [{"cvendthru": f"tid={CLICK_ID}"}, {"cvendthru": f"?utm=x&TID={CLICK_ID.upper()}"}, {"caffitid": CLICK_ID},
     {"cvendthru": CLICK_ID}, {"cvendthru": f"c={CLICK_ID}", "caffitid": "22774705"},
     {"cvendthru": "tid=banner", "caffitid": CLICK_ID}],
)  # fmt: skip
def test_the_click_id_is_found_wherever_the_link_carried_it(passed: dict[str, str]):
    assert read(NAME, None, ctransaction="SALE", **passed).click_id == CLICK_ID


@pytest.mark.parametrize(
    ("kind", "receipt", "before", "status", "sold", "parent"),
    [
        ("SALE", "R-1", "", "approved", "sale", ""),
        ("SALE", "R-2", "R-1", "approved", "upsell", "R-1"),
        ("BILL", "R-1-B001", "", "approved", "rebill", "R-1"),
        ("BILL", "R-3", "", "approved", "rebill", ""),
        ("RFND", "R-1", "", "refunded", "", ""),
        ("RFND", "R-1-B001", "", "refunded", "rebill", "R-1"),
        ("CGBK", "R-2", "R-1", "chargeback", "upsell", "R-1"),
        ("INSF", "R-1", "", "chargeback", "", ""),
    ],
)
def test_what_was_sold_is_told_by_the_receipts(kind, receipt, before, status, sold, parent):
    record = read(NAME, None, ctransaction=kind, ctransreceipt=receipt, cupsellreceipt=before)

    assert (record.transaction_id, record.status, record.kind, record.parent) == (receipt, status, sold, parent)


@pytest.mark.parametrize("kind", [word for word, means in STATUS_WORDS.items() if means in ("test", "ignored")])
def test_what_is_no_money_changes_nothing(kind: str):
    assert refusal(NAME, None, ctransaction=kind) == STATUS_WORDS[kind]


@pytest.mark.django_db
def test_a_tampered_notification_is_refused():
    network = click_of(NAME).offer.network
    call = jvzipn("SALE", "R-1", 2000, CLICK_ID)
    call.body = call.body.replace(b"2000", b"9000")

    assert assert_refused(network, call).outcome == Outcome.BAD_SIGNATURE


@pytest.mark.django_db
def test_a_subscription_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        return [
            jvzipn("SALE", f"{tag}R", 2000, click_id),
            jvzipn("BILL", f"{tag}R-B001", 1500),
            jvzipn("RFND", f"{tag}R-B001", 1500),
        ]

    assert books_in_any_order(NAME, facts) == [
        ("rebill", "#R-B001", "refunded", "15.00"),
        ("sale", "#R", "approved", "20.00"),
    ]


@pytest.mark.django_db
def test_a_chargeback_beside_a_refund_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        reversals = [jvzipn("RFND", f"{tag}R", 500), jvzipn("CGBK", f"{tag}R", -1500)]
        return [jvzipn("SALE", f"{tag}R", 2000, click_id), *reversals]

    assert books_in_any_order(NAME, facts) == [("sale", "#R", "chargeback", "20.00")]


@pytest.mark.django_db
def test_an_upsell_ends_the_same_in_any_order():
    def facts(click_id: str, tag: str) -> list[Call]:
        return [
            jvzipn("SALE", f"{tag}R", 2000, click_id),
            jvzipn("SALE", f"{tag}U", 900, before=f"{tag}R"),
            jvzipn("RFND", f"{tag}U", 400),
        ]

    assert books_in_any_order(NAME, facts) == [
        ("sale", "#R", "approved", "20.00"),
        ("upsell", "#U", "partial", "9.00"),
    ]


def test_values_that_were_moved_to_other_names_are_refused():
    moved = {"ctransaction": "SALE", "ctransamount": "4700", "ctransq": "R-1", "ctransreceipt": "1768500000"}

    call = form({**moved, "cverify": sign(list(moved.items()), KEY)})

    assert "names" in reason("jvzoo_v1", call, KEY)
