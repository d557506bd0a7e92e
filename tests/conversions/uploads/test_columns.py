"""Which column is which."""

import pytest

from conversions.click_ids import new_click_id
from conversions.uploads.columns import find_headings, needs_help, recognise
from offers.models import Network


@pytest.mark.parametrize(
    ("headings", "columns"),
    [
        (["Sub ID 1", "Transaction ID", "Commission", "Sale Amount", "Conversion Date"],
         {"click_id": 0, "transaction_id": 1, "payout": 2, "amount": 3, "occurred_at": 4}),
        (["SUBID", "order_id", "status", "Currency", "E-mail", "ttclid"],
         {"click_id": 0, "transaction_id": 1, "status": 2, "currency": 3, "email": 4, "ttclid": 5}),
        (["Commission", "Payout"], {"payout": 1}),
        (["Wer", "Was"], {}),
    ],
)  # fmt: skip
def test_usual_headings_are_recognised_however_they_are_written(headings: list[str], columns: dict[str, int]):
    assert recognise(headings, [], Network()) == columns


def test_the_networks_own_names_come_first():
    network = Network(parameter_names={"click_id": "My Ref", "txid": "deal_no"})

    assert recognise(["sub1", "my_ref", "Deal No"], [], network) == {"click_id": 1, "transaction_id": 2}


def test_the_column_that_holds_our_click_ids_wins_over_any_heading():
    rows = [["campaign", new_click_id(), "9"], ["campaign", new_click_id(), "9"]]

    assert recognise(["Sub ID 1", "Sub ID 2", "Payout"], rows, Network())["click_id"] == 1


def test_titles_above_the_headings_are_passed_over():
    rows = [["Report of November"], [], ["Transaction ID", "Commission"], ["T-1", "5"]]

    assert find_headings(iter(rows), Network()) == (2, ["Transaction ID", "Commission"], [["T-1", "5"]])


def test_without_anything_that_names_a_conversion_help_is_needed():
    assert needs_help({"payout": 1, "email": 2})
    assert not needs_help({"ttclid": 1})
