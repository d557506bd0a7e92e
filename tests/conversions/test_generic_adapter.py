"""The generic format: parameters by their usual names, whatever the case."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.networks import ADAPTERS
from conversions.networks.generic import ALIASES, CRITICAL, read
from conversions.networks.record import PostbackRefusedError
from conversions.networks.values import is_macro, is_no_click_id, shortened
from offers.models import Network

NETWORK = Network(default_currency="EUR", status_map={"7": "rejected", "Lead": "approved"})


def refusal(**params: str) -> str:
    with pytest.raises(PostbackRefusedError) as raised:
        read(params, NETWORK)
    assert raised.value.detail
    return raised.value.outcome


def test_a_full_postback():
    record = read(
        {"click_id": "ABC", "txid": "T-1", "event": "sale", "status": "Approved", "payout": "12.5", "amount": "99",
         "currency": "usd", "ts": "1768500000"},
        NETWORK,
    )  # fmt: skip

    assert (record.click_id, record.transaction_id, record.event, record.status) == ("abc", "T-1", "sale", "approved")
    assert (record.payout, record.amount, record.currency) == (Decimal("12.50"), Decimal(99), "USD")
    assert record.occurred_at == datetime(2026, 1, 15, 18, 0, tzinfo=UTC)


def test_an_empty_postback_is_approved_in_the_networks_currency():
    record = read({}, NETWORK)

    assert (record.click_id, record.transaction_id, record.event, record.status) == ("", "", "", "approved")
    assert (record.payout, record.amount, record.currency, record.occurred_at) == (None, None, "EUR", None)


@pytest.mark.parametrize(
    ("field", "alias"), [(f, a) for f in ("click_id", "transaction_id", "event") for a in ALIASES[f]]
)
def test_every_alias_is_read_in_any_case(field: str, alias: str):
    record = read({alias.upper(): "abc"}, NETWORK)

    assert getattr(record, field) == "abc"


@pytest.mark.parametrize("field", ["payout", "amount"])
def test_every_alias_of_money_is_read(field: str):
    assert {getattr(read({alias: "3"}, NETWORK), field) for alias in ALIASES[field]} == {Decimal(3)}


def test_no_name_means_two_things():
    names = [alias for aliases in ALIASES.values() for alias in aliases]

    assert len(names) == len(set(names)) == len(CRITICAL)


def test_the_first_alias_with_a_value_counts():
    assert read({"subid": "two", "click_id": " ", "clickid": "one"}, NETWORK).click_id == "one"


@pytest.mark.parametrize(
    ("word", "status"),
    [("APPROVED", "approved"), ("Sale", "approved"), ("", "approved"), ("Pending", "pending"), ("on hold", "pending"),
     ("Declined", "rejected"), ("REJECTED", "rejected"), ("trash", "rejected"), ("Refunded", "refunded"),
     ("RFND", "refunded"), ("ChargeBack", "chargeback"), ("CGBK", "chargeback"),
     ("7", "rejected"), ("lead", "approved"), ("LEAD", "approved")],
)  # fmt: skip
def test_status_words_in_any_case_with_the_networks_own_first(word: str, status: str):
    assert read({"status": f" {word} "}, NETWORK).status == status


def test_an_unknown_status_is_refused_by_name():
    with pytest.raises(PostbackRefusedError, match="“42”"):
        read({"status": "42"}, NETWORK)

    assert refusal(status="42") == "unmapped_status"


@pytest.mark.parametrize(
    "macro",
    ["{click_id}", "[CLICKID]", "{{click_id}}", "##CLICK##", "#tid#", "${click}", "%SUB%", "!!!clickRef!!!", "<x>",
     "%7Bsub1%7D", "%5bclick%5d", "__CLICKID__", "__aff_sub2__", "[[sub1]]", "{sub1", "sub1}", "%%sub1%%"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["click_id", "txid", "payout", "status", "currency", "ts", "event"])
def test_a_macro_that_was_not_replaced_is_refused_by_name(macro: str, field: str):
    with pytest.raises(PostbackRefusedError) as raised:
        read({field: macro}, NETWORK)

    assert raised.value.outcome == "unreplaced_macro"
    assert macro in raised.value.detail


@pytest.mark.parametrize(
    "name", ["clickid", "Click_ID", "subid", "sub1", "aff_sub", "clickref", "s", "aff_sub2", "your_click_id", "subId1"]
)
def test_a_bare_name_is_a_macro_as_click_id_only(name: str):
    assert refusal(click_id=name) == "unreplaced_macro"
    assert read({"txid": name, "event": name}, NETWORK).transaction_id == name


@pytest.mark.parametrize(
    "name",
    ["$click_id", "$click_id$", "(click_id)", "&lt;sub1&gt;", "{sub1}|", "::click_id::", "@@CLICKID@@"],
)
def test_a_name_between_signs_that_nobody_knows_is_a_macro_as_click_id(name: str):
    assert refusal(click_id=name) == "unreplaced_macro"


@pytest.mark.parametrize("value", ["&#" + "1" * 5000, "{" * 5000, "_" * 5000, "%7B" * 2000])
def test_a_click_id_of_any_length_is_looked_at(value: str):
    assert not is_no_click_id(value)


@pytest.mark.parametrize("name", ["TRANSACTION_ID", "txid", " order_id "])
def test_a_bare_name_as_transaction_would_make_one_sale_of_all(name: str):
    assert refusal(txid=name) == "unreplaced_macro"


@pytest.mark.parametrize(
    "transaction",
    ["ORD_2026_11", "__4711__", "__a1b2c3__", "a__b", "#1001", "50%", "10%20%30", "A%2FB", "[12]", "[T-1", "T-1]", "x_",
     "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "%7B3F2504E0-4F89-11D3-9A0C-0305E82C3301%7D"],
)  # fmt: skip
def test_the_id_of_a_sale_is_no_macro_for_its_odd_letters(transaction: str):
    assert read({"txid": transaction}, NETWORK).transaction_id == transaction


@pytest.mark.parametrize(
    ("text", "amount"),
    [("40", "40"), ("40.5", "40.50"), ("40,5", "40.50"), ("40,50", "40.50"), ("0", "0"), ("+3", "3"),
     (" 1 ", "1"), ("23.099999999999998", "23.10"), ("0.30000000000000004", "0.30"), ("1234.567", "1234.57"),
     ("1234,567", "1234.57"), ("12345678901", "12345678901")],
)  # fmt: skip
def test_amounts(text: str, amount: str):
    assert read({"payout": text}, NETWORK).payout == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["$40", "40 USD", "1,234", "1,234.56", "1.234,56", "1e3", "NaN", "Infinity", "forty", "--1", "4 0", ".",
             "123456789012", "٤٠", "40\n0", "0x10"],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused_instead_of_guessed(text: str):
    assert refusal(payout=text) == refusal(amount=text) == "bad_amount"


def test_what_is_no_currency_code_is_refused():
    assert refusal(currency="dollars") == "bad_currency"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1768500000", datetime(2026, 1, 15, 18, 0, tzinfo=UTC)),
        ("1768500000.75", datetime(2026, 1, 15, 18, 0, 0, 750_000, tzinfo=UTC)),
        ("1768500000000", datetime(2026, 1, 15, 18, 0, tzinfo=UTC)),
        ("2026-01-15T18:00:00Z", datetime(2026, 1, 15, 18, 0, tzinfo=UTC)),
        ("2026-01-15 19:00:00+01:00", datetime(2026, 1, 15, 18, 0, tzinfo=UTC)),
        ("2026-01-15 18:00:00", datetime(2026, 1, 15, 18, 0, tzinfo=UTC)),
        ("yesterday", None),
        ("15/01/2026", None),
        ("0", None),
        ("", None),
    ],
)
def test_times(text: str, moment: datetime | None):
    assert read({"ts": text}, NETWORK).occurred_at == moment


@given(st.dictionaries(st.sampled_from(sorted(CRITICAL)), st.text(max_size=300), max_size=8))
def test_any_text_is_read_or_refused(params: dict[str, str]):
    try:
        record = read(params, NETWORK)
    except PostbackRefusedError as refused:
        assert refused.detail  # noqa: PT017
    else:
        assert len(record.click_id) <= 100
        assert len(record.transaction_id) <= 200
        assert len(record.event) <= 100


def test_every_format_that_has_an_adapter_can_be_chosen_by_staff():
    field = Network._meta.get_field("adapter")

    assert [name for name, _ in field.choices] == list(ADAPTERS)


def test_over_long_transaction_ids_stay_different():
    first, second = (shortened("x" * 300 + end) for end in "ab")

    assert first != second
    assert len(first) == len(second) == 200


@pytest.mark.parametrize("value", ['["x"]', '{"a": 1}', '[{"a": 1}]', "[[1]]", "[1, 2]"])
def test_json_is_no_macro(value: str):
    assert not is_macro(value)


@pytest.mark.parametrize("money", [{"payout": "-5"}, {"amount": "-0.01"}])
def test_a_sale_below_zero_is_refused_with_what_to_send_instead(money: dict[str, str]):
    assert refusal(**money) == "bad_amount"
    assert read({**money, "status": "correction"}, NETWORK).status == "correction"
