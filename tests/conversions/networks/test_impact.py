"""impact.com: repeated calls about one action, each saying what the action is now."""

from decimal import Decimal
from itertools import permutations

import pytest

from conversions.models import Conversion, LedgerEntry
from offers.models import Network
from tests.conversions.networks.support import click_of, digested, read, refusal, template

UPDATE = Network.DuplicateMode.UPDATE


def action(click, status: str, payout: str, delta: str = "0.00"):
    """What is called when the action has this status and payout now."""
    return template(click_id=click.pk, txid="1000.4500.1", status=status, payout=payout, delta_payout=delta)


@pytest.mark.parametrize(
    ("word", "status"),
    [("PENDING", "pending"), ("Approved", "approved"), ("locked", "approved"), ("REVERSED", "refunded")],
)
def test_its_words_are_statuses(word: str, status: str):
    assert read("impact", status=word).status == status


def test_the_payout_is_the_total_and_a_reversal_takes_the_delta():
    approved = read("impact", status="APPROVED", payout="12", amount="100", delta_payout="2", delta_amount="0")
    reversed_ = read("impact", status="REVERSED", payout="0", amount="0", delta_payout="-12", delta_amount="-100")

    assert (approved.payout, approved.amount) == (Decimal(12), Decimal(100))
    assert (reversed_.payout, reversed_.amount) == (Decimal(-12), Decimal(-100))


@pytest.mark.parametrize("params", [{"click_id": "{SubId1}"}, {"delta_payout": "{DeltaPayout}"}])
def test_a_macro_that_was_not_filled_is_named(params: dict[str, str]):
    assert refusal("impact", **params) == "unreplaced_macro"


@pytest.mark.django_db
def test_the_payout_of_the_approval_counts():
    click = click_of("impact")

    for call in (action(click, "PENDING", "10", "10"), action(click, "APPROVED", "12", "2")):
        digested(click.offer.network, call)

    conversion = Conversion.objects.get()
    assert (conversion.status, conversion.payout) == ("approved", Decimal(12))


@pytest.mark.django_db
@pytest.mark.parametrize(("mode", "payout"), [(UPDATE, "8"), (Network.DuplicateMode.IGNORE, "10")])
def test_a_changed_total_is_taken_over_where_the_network_says_so(mode: str, payout: str):
    click = click_of("impact", duplicate_mode=mode)

    for call in (action(click, "APPROVED", "10", "10"), action(click, "APPROVED", "8", "-2")):
        digested(click.offer.network, call)

    assert Conversion.objects.get().payout == Decimal(payout)


@pytest.mark.django_db
@pytest.mark.parametrize("mode", [UPDATE, Network.DuplicateMode.IGNORE])
@pytest.mark.parametrize("order", list(permutations(["pending", "approved", "reversed"])))
def test_a_reversed_action_is_reversed_in_any_order(order: tuple[str, ...], mode: str):
    click = click_of("impact", duplicate_mode=mode)
    told = {"pending": ("10", "10"), "approved": ("10", "0"), "reversed": ("0", "-10")}

    for status in [*order, "reversed"]:
        digested(click.offer.network, action(click, status.upper(), *told[status]))

    assert Conversion.objects.get().status == Conversion.Status.REFUNDED
    assert [entry.payout for entry in LedgerEntry.objects.filter(kind="refunded")] == [Decimal(-10)]
