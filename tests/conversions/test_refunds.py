"""Refunds, chargebacks and rejections: signed facts in the ledger, whenever they come."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversions.digest import digest_batch, digest_one
from conversions.models import Conversion, LedgerEntry, Postback
from tests.conversions.support import digest_everything, rules_for_words
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db
TWO_RULES = [{"trigger": "pending", "event_name": "Lead"}, {"trigger": "approved", "event_name": "Purchase"}]


def report(click, **params: str) -> Postback:
    return digest_one(make_postback(click.offer.network, {"click_id": click.pk, **params}).pk)


@pytest.mark.parametrize("status", ["refunded", "chargeback", "rejected"])
@pytest.mark.parametrize("payout", ["12.50", "-12.50"])
def test_what_is_taken_back_is_negative_however_the_network_writes_it(status: str, payout: str):
    click = make_click()
    report(click, txid="T-1", payout="12.50")

    report(click, txid="T-1", payout=payout, status=status)

    entry = LedgerEntry.objects.get(kind=status)
    assert (entry.payout, Conversion.objects.get().status) == (-12.5, status)


def test_a_refund_without_an_amount_takes_back_an_unknown_sum():
    click = make_click()
    report(click, txid="T-1", payout="12.50")

    report(click, txid="T-1", status="refunded")

    assert LedgerEntry.objects.get(kind="refunded").payout is None


def test_a_refund_leaves_the_sale_in_the_ledger_untouched():
    click = make_click()
    report(click, txid="T-1", payout="12.50")
    before = LedgerEntry.objects.values().get()

    report(click, txid="T-1", payout="5", status="refunded")

    assert LedgerEntry.objects.filter(kind="approved").values().get() == before
    assert Conversion.objects.get().payout == 12.5


def test_a_refund_before_its_sale_waits_for_it():
    click = make_click()

    report(click, txid="T-1", payout="12.50", status="refunded")
    early = Conversion.objects.get()
    report(click, txid="T-1", payout="12.50")

    conversion = Conversion.objects.get()
    assert (early.event_name, early.status, early.payout) == ("Purchase", "refunded", None)
    assert (conversion.status, conversion.payout, conversion.ledger_entries.count()) == ("refunded", 12.5, 2)


def test_a_refund_before_its_sale_does_not_take_the_lead_back_instead():
    click = make_click(make_offer(TWO_RULES))

    for status in ("pending", "refunded", "approved"):
        report(click, txid="T-1", status=status)

    assert dict(Conversion.objects.values_list("event_name", "status")) == {"Lead": "pending", "Purchase": "refunded"}


@pytest.mark.parametrize("event", ["refund", "RFND", ""])
def test_a_refund_may_come_under_an_event_word_of_its_own(event: str):
    click = make_click()
    report(click, txid="T-1", event="sale")

    report(click, txid="T-1", event=event, status="refunded")

    assert Conversion.objects.get().status == "refunded"


def test_so_it_may_before_the_sale():
    click = make_click(make_offer(rules_for_words("sale")))
    report(click, txid="T-1", event="refund", status="refunded")

    report(click, txid="T-1", event="sale")

    conversion = Conversion.objects.get()
    assert (conversion.status, conversion.network_event) == ("refunded", "sale")


def test_a_refund_of_one_transaction_leaves_the_others_alone():
    click = make_click()
    for txid in ("T-1", "T-2", "T-3"):
        report(click, txid=txid)

    report(click, txid="T-2", status="refunded")

    refunded = Conversion.objects.filter(status="refunded")
    assert [conversion.transaction_id for conversion in refunded] == ["T-2"]


def test_a_refund_of_one_event_leaves_the_others_of_its_transaction_alone():
    click = make_click(make_offer(rules_for_words("sale", "upsell")))
    for event in ("sale", "upsell"):
        report(click, txid="T-1", event=event)

    report(click, txid="T-1", event="upsell", status="refunded")

    assert [c.network_event for c in Conversion.objects.filter(status="refunded")] == ["upsell"]


def test_a_refund_that_comes_under_two_words_is_taken_back_once():
    click = make_click()
    report(click, txid="T-1", payout="12.50", event="sale")

    for event in ("refund", "rfnd", ""):
        report(click, txid="T-1", payout="12.50", event=event, status="refunded")

    assert LedgerEntry.objects.get(kind="refunded").payout == -12.5


def test_a_refund_without_a_click_id_finds_its_transaction():
    click = make_click()
    report(click, txid="T-1")

    postback = report(click, click_id="", txid="T-1", status="refunded")

    assert (postback.click_ref, postback.outcome) == (click.pk, "updated")
    assert Conversion.objects.get().status == "refunded"


def test_a_transaction_of_another_network_is_not_found():
    click, other = make_click(), make_click()
    report(click, txid="T-1")

    postback = report(other, click_id="", txid="T-1", status="refunded")

    assert postback.outcome == "unmatched_click"
    assert Conversion.objects.get().status == "approved"


def test_a_refund_without_a_click_id_in_the_batch_of_its_sale_is_matched_soon_after():
    click = make_click()
    make_postback(click.offer.network, {"txid": "T-1", "status": "refunded"})
    make_postback(click.offer.network, {"txid": "T-1", "click_id": click.pk})

    digest_batch(timezone.now())
    digest_batch(timezone.now() + timedelta(seconds=6))

    assert Conversion.objects.get().status == "refunded"


def test_a_rejection_ends_a_pending_sale():
    click = make_click()
    report(click, txid="T-1", status="pending")

    report(click, txid="T-1", status="declined")

    assert Conversion.objects.get().status == "rejected"


def test_without_a_transaction_id_the_clicks_sale_is_taken_back():
    click = make_click(make_offer(TWO_RULES))
    report(click, status="pending")
    report(click, status="approved")

    report(click, status="chargeback")

    assert dict(Conversion.objects.values_list("event_name", "status")) == {"Lead": "pending", "Purchase": "chargeback"}


def test_an_offer_without_a_sale_rule_has_its_lead_rejected():
    click = make_click(make_offer([{"trigger": "pending", "event_name": "Lead"}]))
    report(click, status="pending", txid="T-1")

    report(click, status="rejected", txid="T-1")

    assert Conversion.objects.get().status == "rejected"


@pytest.mark.parametrize("other", ["known", "unknown", "none"])
def test_what_is_taken_back_belongs_to_its_transaction_whatever_click_id_comes_along(other: str):
    click = make_click()
    click_ids = {"known": make_click(click.offer).pk, "unknown": "nothing-of-ours", "none": ""}
    make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "status": "approved"})
    digest_everything()

    make_postback(click.offer.network, {"click_id": click_ids[other], "txid": "T-1", "status": "refunded"})
    digest_everything()

    conversion = Conversion.objects.get()
    assert (conversion.click, conversion.status) == (click, Conversion.Status.REFUNDED)


def test_an_approval_that_a_rejection_outweighs_is_named():
    click = make_click()
    for status in ("pending", "rejected", "approved"):
        make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1", "status": status})
        digest_everything()

    assert "the conversion stays “Rejected”" in Postback.objects.first().detail


@pytest.mark.parametrize("limit", [1, 10])
def test_a_refund_without_a_click_id_that_came_first_goes_with_its_sale(limit: int):
    click = make_click()
    make_postback(click.offer.network, {"status": "refund", "txid": "T-1"})
    make_postback(make_network(), {"status": "refund", "txid": "T-1"})
    make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1"})

    while digest_batch(timezone.now(), limit=limit):
        pass

    assert Conversion.objects.get().status == "refunded"
    assert sorted(Postback.objects.values_list("outcome", flat=True)) == ["recorded", "unmatched_click", "updated"]


def test_a_parent_in_the_same_batch_gives_its_click():
    click = make_click()
    make_postback(click.offer.network, {"status": "rebill", "txid": "T-1-B001", "parent_txid": "T-1"})
    make_postback(click.offer.network, {"click_id": click.pk, "txid": "T-1"})

    digest_batch(timezone.now())

    assert sorted(Conversion.objects.values_list("kind", flat=True)) == ["rebill", "sale"]
