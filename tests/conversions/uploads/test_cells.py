"""Amounts, times and consent as people write them."""

import pytest

from conversions.models.upload import Upload
from conversions.uploads.cells import date_order_of, is_shortened, read_consent, tidy_amount, tidy_time

Order = Upload.DateOrder


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("12.50", ("12.50", "")),
        ("12,50", ("12,50", "")),
        ("$1,234.50", ("1234.50", "")),
        ("1.234,50 €", ("1234.50", "EUR")),
        ("USD 12", ("12", "USD")),
        ("1 234,50", ("1234,50", "")),
        ("1,234,567", ("1234567", "")),
        ("(12.50)", ("-12.50", "")),
        ("-3", ("-3", "")),
        ("1,234", ("1,234", "")),
        ("about 12", ("about 12", "")),
        ("", ("", "")),
    ],
)
def test_an_amount_becomes_a_plain_number_where_it_can_be_told(text: str, tidy: tuple[str, str]):
    assert tidy_amount(text) == tidy


@pytest.mark.parametrize(
    ("text", "order", "tidy"),
    [
        ("2026-01-31 14:05:09", "", "2026-01-31 14:05:09"),
        ("2026-01-31 14:05 UTC", "", "2026-01-31T14:05:00+00:00"),
        ("2026-01-31 14:05:00+0200", "", "2026-01-31 14:05:00+0200"),
        ("2026/01/31 14:05", "", "2026-01-31T14:05:00+00:00"),
        ("31.01.2026 14:05", "", "2026-01-31T14:05:00+00:00"),
        ("31/01/2026", "", "2026-01-31T00:00:00+00:00"),
        ("01/31/2026 2:05 PM", "", "2026-01-31T14:05:00+00:00"),
        ("03/04/2026", Order.DAY, "2026-04-03T00:00:00+00:00"),
        ("03/04/2026", Order.MONTH, "2026-03-04T00:00:00+00:00"),
        ("03/04/2026", "", "03/04/2026"),
        ("31/01/2026", Order.MONTH, "31/01/2026"),
        ("31/02/2026", "", "31/02/2026"),
        ("Jan 31, 2026 2:05 PM", "", "2026-01-31T14:05:00+00:00"),
        ("yesterday", "", "yesterday"),
        ("1769868300", "", "1769868300"),
    ],
)
def test_a_time_becomes_iso_8601_where_it_can_be_told(text: str, order: str, tidy: str):
    assert tidy_time(text, order) == tidy


def test_one_date_that_can_be_read_in_one_way_only_decides_for_the_file():
    assert date_order_of(["03/04/2026", "13/04/2026"]) == Order.DAY
    assert date_order_of(["03/04/2026", "04/13/2026"]) == Order.MONTH
    assert date_order_of(["2026-01-31", "03.04.2026"]) == Order.UNKNOWN
    assert date_order_of(["03/04/2026"]) is None


def test_ids_that_a_spreadsheet_has_shortened_are_known():
    assert [is_shortened(text) for text in ("1.2E+18", "1,2e18", "ORD-1E5", "12", "E5")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_consent_is_unknown_unless_somebody_said_so():
    assert [read_consent(text) for text in ("Yes", "DENIED", "", "maybe")] == [
        "granted",
        "denied",
        "unknown",
        "unknown",
    ]
