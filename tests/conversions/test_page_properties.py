"""What a page says of an event: each property read strictly, what can't be read left out."""

from decimal import Decimal
from typing import Any

import pytest

from conversions.page_properties import MAX_CONTENTS, PageProperties, read_properties


@pytest.mark.parametrize(
    ("given", "value", "currency"),
    [
        ({"value": 12.345, "currency": "eur"}, "12.34", "EUR"),
        ({"value": "7"}, "7.00", "USD"),
        ({"value": 0}, "0.00", "USD"),
        ({"value": -1}, None, ""),
        ({"value": True}, None, ""),
        ({"value": "1.234,56 €"}, None, ""),
        ({"value": float("nan")}, None, ""),
        ({"value": 5, "currency": "XYZ"}, None, ""),
        ({"value": 5, "currency": {"deep": []}}, "5.00", "USD"),
        ({"currency": "EUR"}, None, ""),
    ],
)
def test_a_value_is_a_plain_number_in_a_currency_of_tiktoks(given: dict[str, Any], value: str | None, currency: str):
    said = read_properties(given, "USD")

    assert (said.value, said.currency) == (value and Decimal(value), currency)


def test_only_what_tiktok_knows_is_kept_and_ids_are_text():
    said = read_properties(
        {
            "contents": {"content_id": 7, "price": "9.50", "quantity": 2, "colour": "red"},
            "content_type": "thing",
            "evil": 1,
        },
        "USD",
    )

    assert said == PageProperties(others={"contents": [{"content_id": "7", "price": 9.5, "quantity": 2}]})


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("lamp for jane@example.com", "lamp for [hidden]"),
        ("call +49 151 23456789 now", "call [hidden] now"),
        ("+1 lamp, 2 shades", "+1 lamp, 2 shades"),
        ("size 40-42", "size 40-42"),
    ],
)
def test_what_a_visitor_may_have_typed_names_nobody(typed: str, kept: str):
    assert read_properties({"search_string": typed}, "USD").others == {"search_string": kept}


def test_a_page_can_not_say_more_than_fits():
    said = read_properties({"content_ids": [str(n) for n in range(500)], "description": "x" * 5000}, "USD")

    assert len(said.others["content_ids"]) == MAX_CONTENTS
    assert len(said.others["description"]) == 200
