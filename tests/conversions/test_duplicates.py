"""The same fact again: the network's duplicate mode decides."""

from decimal import Decimal

import pytest
from django.utils import timezone

from conversions.digest import digest_one
from conversions.models import Click, Conversion, LedgerEntry, Postback
from conversions.outcomes import Outcome
from conversions.replaying import replay
from tests.conversions.support import digest_everything, rules_for_words
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db


def click_of_network(mode: str) -> Click:
    return make_click(make_offer(rules_for_words("upsell"), network=make_network(duplicate_mode=mode)))


def report(click: Click, **params: str) -> str:
    """The outcome of a postback about the click."""
    return digest_one(make_postback(click.offer.network, {"click_id": click.pk, **params}).pk).outcome


@pytest.mark.parametrize("mode", ["ignore", "update"])
@pytest.mark.parametrize("txid", ["T-1", ""])
def test_counts_a_repeated_postback_once(mode: str, txid: str):
    click = click_of_network(mode)

    outcomes = [report(click, txid=txid, payout="5") for _ in range(3)]

    assert outcomes == [Outcome.RECORDED, Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert (Conversion.objects.count(), LedgerEntry.objects.count()) == (1, 1)


def test_a_repetition_within_one_batch_counts_once():
    click = click_of_network("ignore")
    for _ in range(10):
        make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1"})

    digest_everything()

    assert (Conversion.objects.count(), LedgerEntry.objects.count()) == (1, 1)
    assert Postback.objects.filter(outcome=Outcome.DUPLICATE).count() == 9


def test_the_case_of_the_networks_words_is_no_difference():
    click = click_of_network("ignore")

    outcomes = [report(click, txid="T-1", status=s, event=e) for s, e in [("approved", "Sale"), ("APPROVED", "sale")]]

    assert outcomes == [Outcome.RECORDED, Outcome.DUPLICATE]


def test_other_amounts_are_ignored_and_said_so():
    click = click_of_network("ignore")
    report(click, txid="T-1", payout="5")

    postback = digest_one(make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "payout": "6"}).pk)

    assert (postback.outcome, Conversion.objects.get().payout) == (Outcome.DUPLICATE, 5)
    assert "Other amounts" in postback.detail


def test_in_update_mode_other_amounts_are_a_correction():
    click = click_of_network("update")
    report(click, txid="T-1", payout="5", amount="50")

    outcome = report(click, txid="T-1", payout="7", amount="40")

    conversion = Conversion.objects.get()
    correction = LedgerEntry.objects.get(kind="correction")
    assert (outcome, conversion.payout, conversion.amount, conversion.status) == (Outcome.UPDATED, 7, 40, "approved")
    assert (correction.payout, correction.amount) == (2, -10)


def test_the_last_of_several_corrections_counts():
    click = click_of_network("update")

    outcomes = [report(click, txid="T-1", payout=payout) for payout in ("5", "7", "7", "5")]

    assert outcomes == [Outcome.RECORDED, Outcome.UPDATED, Outcome.DUPLICATE, Outcome.UPDATED]
    assert Conversion.objects.get().payout == 5


def test_a_correction_of_the_pending_claim_does_not_change_the_sale():
    click = click_of_network("update")
    report(click, txid="T-1", payout="5", status="pending")
    report(click, txid="T-1", payout="7", status="pending")
    pending = Conversion.objects.get().payout

    report(click, txid="T-1", payout="40", status="approved")

    assert (pending, Conversion.objects.get().payout) == (7, 40)


def test_refunds_add_up_in_update_mode_too():
    click = click_of_network("update")
    report(click, txid="T-1", payout="40")
    report(click, txid="T-1", payout="10", status="refund")

    outcome = report(click, txid="T-1", payout="15", status="refund")

    refunds = LedgerEntry.objects.filter(kind="refunded").values_list("payout", flat=True)
    assert (outcome, Conversion.objects.get().payout) == (Outcome.UPDATED, 40)
    assert sum(refunds) == Decimal(-25)


def test_amounts_in_another_currency_correct_nothing():
    click = click_of_network("update")
    report(click, txid="T-1", payout="40", currency="USD")

    outcome = report(click, txid="T-1", payout="35", currency="EUR")

    conversion = Conversion.objects.get()
    assert (outcome, conversion.payout, conversion.currency) == (Outcome.DUPLICATE, 40, "USD")


def test_a_repetition_without_amounts_corrects_nothing():
    click = click_of_network("update")
    report(click, txid="T-1", payout="35")

    assert report(click, txid="T-1") == Outcome.DUPLICATE
    assert Conversion.objects.get().payout == 35


@pytest.mark.parametrize("txid", ["T-1", ""])
def test_in_count_mode_each_one_is_a_conversion_of_its_own(txid: str):
    click = click_of_network("count")

    outcomes = [report(click, txid=txid, payout="5") for _ in range(5)]

    assert outcomes == [Outcome.RECORDED] * 5
    assert Conversion.objects.values("event_id").distinct().count() == 5
    assert LedgerEntry.objects.count() == 5


@pytest.mark.parametrize("status", ["refunded", "chargeback", "rejected"])
def test_in_count_mode_a_repeated_reversal_is_a_duplicate_still(status: str):
    click = click_of_network("count")

    outcomes = [report(click, txid="T-1", payout="5", status=s) for s in ("approved", status, status)]

    assert outcomes == [Outcome.RECORDED, Outcome.UPDATED, Outcome.DUPLICATE]
    assert (Conversion.objects.get().status, LedgerEntry.objects.count()) == (status, 2)


def test_in_count_mode_one_with_and_one_without_transaction_id_are_two():
    click = click_of_network("count")

    outcomes = [report(click), report(click, txid="T-1"), report(click)]

    assert outcomes == [Outcome.RECORDED] * 3
    assert Conversion.objects.count() == 3


@pytest.mark.parametrize("mode", ["ignore", "update", "count"])
def test_digesting_all_of_them_again_changes_nothing(mode: str):
    click = click_of_network(mode)
    for params in ({"txid": "T-1", "payout": "5"}, {"txid": "T-1", "payout": "7"}, {"payout": "7"}, {"txid": "T-2"}):
        report(click, **params)
    before = list(Conversion.objects.values()), list(LedgerEntry.objects.values())

    replay(list(Postback.objects.values_list("pk", flat=True)), timezone.now())
    digest_everything()

    assert (list(Conversion.objects.values()), list(LedgerEntry.objects.values())) == before
    assert not Postback.objects.filter(outcome=Outcome.FAILED).exists()


def test_another_transaction_event_or_network_is_another_fact():
    click, other = click_of_network("ignore"), click_of_network("ignore")

    outcomes = [report(click, txid="T-1"), report(click, txid="T-2"), report(click, txid="T-1", event="upsell")]
    outcomes += [report(other, txid="T-1")]

    assert outcomes == [Outcome.RECORDED] * 4
    assert Conversion.objects.values("event_id").distinct().count() == 4


@pytest.mark.parametrize(("mode", "count"), [("ignore", 1), ("update", 1), ("count", 2)])
def test_an_event_without_a_rule_of_its_own_is_no_other_fact(mode: str, count: int):
    click = click_of_network(mode)

    for event in ("sale", "bump"):
        report(click, txid="T-1", event=event)

    assert Conversion.objects.count() == LedgerEntry.objects.count() == count


def test_one_transaction_under_two_words_on_two_clicks_counts_once():
    click = click_of_network("ignore")

    for where, event in [(click, "sale"), (make_click(click.offer), "bump")]:
        report(where, txid="T-1", event=event)

    assert Conversion.objects.count() == 1


def test_one_transaction_on_two_clicks_counts_once():
    click = click_of_network("ignore")

    outcomes = [report(click, txid="T-1"), report(make_click(click.offer), txid="T-1")]

    assert outcomes == [Outcome.RECORDED, Outcome.DUPLICATE]
    assert Conversion.objects.get().click == click
