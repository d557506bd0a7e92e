"""Which click a postback without one belongs to, and which it must never be given."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.models import Conversion, Postback
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db


def test_a_chargeback_of_an_unknown_transaction_takes_nobody_elses_sale_back():
    click = make_click()
    make_postback(click.offer.network, {"click_id": click.pk})
    make_postback(click.offer.network, {"status": "chargeback", "txid": "T-unknown"})

    digest_batch(timezone.now())

    assert (Conversion.objects.get().status, Conversion.objects.get().transaction_id) == ("approved", "")
    assert Postback.objects.filter(outcome="unmatched_click").count() == 1


def test_a_refund_of_its_own_click_stays_there():
    offer = make_offer()
    sold, refunded = make_click(offer), make_click(offer)
    make_postback(offer.network, {"click_id": sold.pk})
    make_postback(offer.network, {"click_id": refunded.pk})
    make_postback(offer.network, {"click_id": refunded.pk, "status": "refund"})
    make_postback(offer.network, {"status": "refund", "txid": "T-unknown"})

    digest_batch(timezone.now())

    assert dict(Conversion.objects.values_list("click", "status")) == {sold.pk: "approved", refunded.pk: "refunded"}


def test_a_sale_without_a_click_id_waits_for_the_call_that_brings_it():
    click = make_click()
    nameless = make_postback(click.offer.network, {"txid": "T-1"})
    digest_batch(timezone.now())
    assert Postback.objects.unmatched().get().outcome == "missing_click_id"

    make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "status": "pending"})
    digest_batch(timezone.now())

    nameless.refresh_from_db()
    assert (nameless.click_ref, Conversion.objects.get().status) == (click.pk, "approved")


def test_a_refund_whose_last_try_is_over_still_goes_with_its_sale():
    click, received = make_click(), timezone.now() - timedelta(days=2)
    make_postback(click.offer.network, {"status": "refund", "txid": "T-1"}, received_at=received)
    while digest_batch(timezone.now()):
        pass
    make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1"})

    digest_batch(timezone.now())

    assert Conversion.objects.get().status == "refunded"


@pytest.mark.parametrize("file_first", [True, False])
def test_a_refund_that_a_file_and_a_call_tell_counts_once(file_first: bool):
    network = make_network(adapter="digistore24_s2s", default_currency="EUR")
    click = make_click(make_offer(network=network))
    make_postback(network, {"click_id": click.pk, "txid": "1", "status": "payment", "payout": "10"})
    digest_batch(timezone.now())
    by_call = ({"click_id": click.pk, "txid": "2", "status": "refund", "payout": "10"}, "GET")
    by_file = ({"click_id": click.pk, "transaction_id": "1", "status": "refunded", "payout": "10"}, "FILE")

    for params, method in [by_file, by_call] if file_first else [by_call, by_file]:
        postback = make_postback(network, params)
        Postback.objects.filter(pk=postback.pk).update(method=method)
        digest_batch(timezone.now())

    entries = Conversion.objects.get().ledger_entries.values_list("payout", flat=True)
    assert sorted(entries) == [-10, 10]
    assert Postback.objects.order_by("pk").last().outcome == "duplicate"


def test_what_stands_in_a_file_is_no_repetition_by_the_network():
    network = make_network(duplicate_mode="count")
    click = make_click(make_offer(network=network))
    make_postback(network, {"click_id": click.pk, "txid": "T-1"})
    digest_batch(timezone.now())

    for txid in ("T-1", ""):
        postback = make_postback(network, {"click_id": click.pk, "transaction_id": txid})
        Postback.objects.filter(pk=postback.pk).update(method="FILE")
    digest_batch(timezone.now())

    assert Conversion.objects.count() == 1


def test_a_correction_in_another_currency_is_not_added():
    click = make_click()
    make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "payout": "100", "currency": "USD"})
    correction = {"click_id": click.pk, "txid": "T-1", "status": "correction", "payout": "1", "currency": "AUD"}
    make_postback(click.offer.network, correction)

    digest_batch(timezone.now())

    assert (Conversion.objects.get().payout, Conversion.objects.get().currency) == (100, "USD")


def test_a_call_finds_what_a_file_told_under_its_bare_transaction():
    network = make_network(adapter="everflow")
    click = make_click(make_offer(network=network))
    row = make_postback(network, {"click_id": click.pk, "transaction_id": "T1"})
    Postback.objects.filter(pk=row.pk).update(method="FILE")
    digest_batch(timezone.now())

    for _ in range(2):
        make_postback(network, {"click_id": click.pk, "txid": "T1", "event_id": "5"})
        digest_batch(timezone.now())

    assert Conversion.objects.count() == 1
    assert Postback.objects.filter(outcome="duplicate").count() == 2


def test_two_goals_that_calls_told_stay_two():
    network = make_network(adapter="tune")
    click = make_click(make_offer(network=network))

    for goal in ("0", "5"):
        make_postback(network, {"click_id": click.pk, "txid": "T1", "goal_id": goal})
        digest_batch(timezone.now())

    assert Conversion.objects.count() == 2
