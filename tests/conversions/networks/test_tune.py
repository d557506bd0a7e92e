"""TUNE: the goals of one transaction are conversions of their own."""

import pytest

from conversions.models import Conversion
from conversions.outcomes import Outcome
from offers.models import Network
from tests.conversions.networks.support import click_of, digested, read, refusal, template


@pytest.mark.parametrize(
    ("params", "transaction"),
    [({"txid": "T"}, "T"), ({"txid": "T", "goal_id": "0"}, "T"), ({"txid": "T", "goal_id": "12"}, "T-12"),
     ({"goal_id": "12"}, "")],
)  # fmt: skip
def test_the_goal_makes_the_transaction(params: dict[str, str], transaction: str):
    assert read("tune", **params).transaction_id == transaction


def test_a_goal_that_was_not_filled_is_named():
    assert refusal("tune", txid="T", goal_id="{goal_id}") == "unreplaced_macro"


@pytest.mark.django_db
def test_goals_of_one_transaction_are_conversions_of_their_own():
    click = click_of("tune")
    calls = [template(click_id=click.pk, txid="T", goal_id=goal, payout="5") for goal in ("0", "12", "12")]

    outcomes = [digested(click.offer.network, call).outcome for call in calls]

    assert outcomes == [Outcome.RECORDED, Outcome.RECORDED, Outcome.DUPLICATE]
    assert Conversion.objects.count() == 2


@pytest.mark.django_db
def test_a_goal_that_converts_again_counts_where_the_network_counts_each_one():
    click = click_of("tune", duplicate_mode=Network.DuplicateMode.COUNT)

    for _ in range(2):
        digested(click.offer.network, template(click_id=click.pk, txid="T", goal_id="12", payout="5"))

    assert Conversion.objects.count() == 2
