"""Everflow: the transaction id is that of the click, so the event makes the difference."""

import pytest

from conversions.models import Conversion
from conversions.outcomes import Outcome
from tests.conversions.networks.support import click_of, digested, read, refusal, template


@pytest.mark.parametrize(
    ("params", "transaction"),
    [
        ({"txid": "T"}, "T"),
        ({"txid": "T", "event_id": "0"}, "T"),
        ({"txid": "T", "event_id": "5"}, "T-5"),
        ({"txid": "T", "event_id": "5", "order_id": "1001"}, "T-5-1001"),
        ({"txid": "T", "Event_ID": "5", "order_id": "{order_id}"}, "T-5"),
        ({"event_id": "5"}, ""),
    ],
)
def test_event_and_order_make_the_transaction(params: dict[str, str], transaction: str):
    assert read("everflow", **params).transaction_id == transaction


def test_an_event_that_was_not_filled_is_named():
    assert refusal("everflow", txid="T", event_name="sale", event_id="{event_id}") == "unreplaced_macro"


def test_over_long_ids_fit_and_stay_different():
    first, second = (read("everflow", txid="T" * 300, event_id=event).transaction_id for event in "12")

    assert first != second
    assert len(first) == len(second) == 200


@pytest.mark.django_db
def test_events_of_one_click_are_conversions_of_their_own():
    click = click_of("everflow")
    calls = [template(click_id=click.pk, txid="T", event_id=event, payout="5") for event in ("0", "5", "5", "6")]

    outcomes = [digested(click.offer.network, call).outcome for call in calls]

    assert outcomes == [Outcome.RECORDED, Outcome.RECORDED, Outcome.DUPLICATE, Outcome.RECORDED]
    assert set(Conversion.objects.values_list("transaction_id", flat=True)) == {"T", "T-5", "T-6"}
