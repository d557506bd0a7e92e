"""Rebills, upsells, partial refunds and corrections: what they make of the ledger, and what TikTok is told."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.models import Click, Conversion, Postback
from conversions.replaying import replay
from dispatch import planning
from dispatch.models import Delivery
from tests.factories import make_click, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db
SALE = {"status": "approved", "txid": "T-1", "payout": "40"}
REBILL = {"status": "rebill", "txid": "T-1-B001", "payout": "15"}
UPSELL = {"status": "upsell", "txid": "T-2", "payout": "9", "parent_txid": "T-1"}


def report(click: Click, *facts: dict[str, str]) -> list[Postback]:
    """The facts as postbacks of this click, digested one by one."""
    postbacks = []
    for params in facts:
        postbacks.append(make_postback(click.offer.network, {"click_id": click.pk, **params}))
        digest_batch(timezone.now())
        postbacks[-1].refresh_from_db()
    return postbacks


def books(click: Click) -> list[tuple[Any, ...]]:
    rows = Conversion.objects.filter(click=click).order_by("kind", "transaction_id")
    return [(row.kind, row.event_name, row.transaction_id, row.status, row.payout) for row in rows]


def test_a_rebill_and_an_upsell_are_conversions_of_their_own_that_nobody_is_told_of_without_a_rule():
    click = make_click()

    report(click, SALE, REBILL, UPSELL)
    planning.plan(timezone.now())

    assert books(click) == [
        ("rebill", "Rebill", "T-1-B001", "approved", Decimal(15)),
        ("sale", "Purchase", "T-1", "approved", Decimal(40)),
        ("upsell", "Upsell", "T-2", "approved", Decimal(9)),
    ]
    assert [delivery.event_name for delivery in Delivery.objects.all()] == ["Purchase"]


def test_with_rules_each_is_told_under_its_own_event_and_id():
    offer = make_offer(
        [
            {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
            {"trigger": "rebill", "event_name": "Subscribe", "value_source": "payout"},
            {"trigger": "upsell", "event_name": "Purchase", "value_source": "payout"},
        ]
    )
    click = make_click(offer)

    report(click, UPSELL, REBILL, SALE)
    planning.plan(timezone.now())

    assert sorted(Delivery.objects.values_list("event_name", flat=True)) == ["Purchase", "Purchase", "Subscribe"]
    assert Conversion.objects.get(kind="sale").occurrence_key == ""
    assert len(set(Conversion.objects.values_list("event_id", flat=True))) == 3


def test_an_event_word_of_a_rebill_rule_makes_a_rebill_of_it():
    offer = make_offer(
        [
            {"trigger": "approved", "event_name": "Purchase"},
            {"trigger": "rebill", "event_name": "Subscribe", "network_event": "month 2"},
        ]
    )
    click = make_click(offer)

    report(click, SALE, {"txid": "T-9", "event": "Month 2"})

    assert [row[:2] for row in books(click)] == [("rebill", "Subscribe"), ("sale", "Purchase")]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_sale_a_rebill_and_the_refund_of_the_rebill_in_any_order(order):
    offer = make_offer(
        [{"trigger": "approved", "event_name": "Purchase"}, {"trigger": "rebill", "event_name": "Subscribe"}]
    )
    click = make_click(offer)
    refund = {"status": "refund", "txid": "T-1-B001", "payout": "15"}
    facts = [SALE, REBILL, refund, REBILL]

    report(click, *(facts[index] for index in order))

    assert books(click) == [
        ("rebill", "Subscribe", "T-1-B001", "refunded", Decimal(15)),
        ("sale", "Purchase", "T-1", "approved", Decimal(40)),
    ]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_partial_refunds_add_up_in_any_order(order):
    click = make_click()
    facts = [SALE, {"status": "refund", "txid": "T-1", "payout": "-10"},
             {"status": "refund", "txid": "T-1", "payout": "-10.00"},
             {"status": "refund", "txid": "T-1", "payout": "-5"}]  # fmt: skip

    report(click, *(facts[index] for index in order))
    planning.plan(timezone.now())

    assert books(click) == [("sale", "Purchase", "T-1", "partial", Decimal(40))]
    assert sorted(e.payout for e in Conversion.objects.get().ledger_entries.all()) == [-10, -5, 40]
    assert Delivery.objects.get().status == "waiting"


def test_refunds_that_reach_the_sale_together_are_one_of_everything():
    click = make_click()

    report(click, SALE, *({"status": "partial_refund", "txid": "T-1", "payout": p} for p in ("25", "15")))
    planning.plan(timezone.now())

    assert books(click)[0][3] == "refunded"
    assert Delivery.objects.get().status == "suppressed"


@pytest.mark.parametrize("refund", [{}, {"payout": "0"}, {"payout": "0.00", "amount": ""}, {"payout": "40"}])
def test_a_refund_that_names_no_money_is_one_of_everything(refund):
    click = make_click()

    report(click, SALE, {"status": "refund", "txid": "T-1", **refund})

    assert books(click)[0][3] == "refunded"


def test_a_partial_refund_without_an_amount_leaves_the_sale_standing():
    click = make_click()

    report(click, SALE, {"status": "partial_refund", "txid": "T-1"})

    assert books(click)[0][3] == "partial"


def test_a_partial_refund_in_another_currency_is_not_compared():
    click = make_click()

    report(click, SALE, {"status": "refund", "txid": "T-1", "payout": "5", "currency": "EUR"})

    assert books(click)[0][3] == "refunded"


def test_a_partial_refund_of_what_is_only_pending_lets_nothing_be_told():
    offer = make_offer([{"trigger": "pending", "event_name": "Lead"}, {"trigger": "approved", "event_name": "Lead"}])
    click = make_click(offer)

    report(click, {**SALE, "status": "pending"}, {"status": "partial_refund", "txid": "T-1", "payout": "5"})

    assert books(click)[0][3] == "refunded"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_corrections_are_added_to_the_sale_each_once(order):
    click = make_click()
    facts = [SALE, {"status": "correction", "txid": "T-1", "payout": "-5"},
             {"status": "adjustment", "txid": "T-1", "payout": "2.50"}]  # fmt: skip

    report(click, *(facts[index] for index in order))
    report(click, facts[1])

    assert books(click) == [("sale", "Purchase", "T-1", "approved", Decimal("37.50"))]


def test_a_correction_that_is_digested_again_is_still_recorded():
    click = make_click()
    correction = report(click, SALE, {"status": "correction", "txid": "T-1", "payout": "-5"})[1]

    replay([correction.pk], timezone.now())
    digest_batch(timezone.now())

    correction.refresh_from_db()
    assert correction.outcome == "recorded"
    assert books(click)[0][4] == Decimal(35)


def test_a_rebill_without_a_click_id_finds_it_by_its_first_sale():
    click = make_click()
    report(click, SALE)

    make_postback(click.offer.network, {**REBILL, "parent_txid": "T-1"})
    digest_batch(timezone.now())

    assert ("rebill", "Rebill", "T-1-B001", "approved", Decimal(15)) in books(click)


def test_two_rebills_without_transaction_ids_are_told_apart_by_their_time():
    click = make_click()
    months = [{"status": "rebill", "payout": "15", "ts": f"2026-0{m}-01T00:00:00"} for m in (1, 2)]

    report(click, *months, months[0])

    assert [row[0] for row in books(click)] == ["rebill", "rebill"]


def test_a_rebill_without_a_payout_brings_none_of_the_offers():
    click = make_click()

    report(click, {"status": "rebill", "txid": "T-7"})

    assert books(click) == [("rebill", "Rebill", "T-7", "approved", None)]


def test_counting_each_one_counts_rebills_too():
    click = make_click(make_offer(network=make_network(duplicate_mode="count")))

    report(click, REBILL, REBILL)

    assert [row[0] for row in books(click)] == ["rebill", "rebill"]


def test_what_says_nothing_about_money_is_kept_with_its_reason():
    click = make_click()

    ignored, test = report(click, {"status": "ignore"}, {"status": "TEST"})

    assert (ignored.outcome, test.outcome) == ("ignored", "test")
    assert not Conversion.objects.exists()
