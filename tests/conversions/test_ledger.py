"""What a set of ledger entries says of a conversion."""

import random
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from conversions.ledger import standing_of
from conversions.models import LedgerEntry
from tests.factories import make_conversion, make_network, make_postback

KINDS = LedgerEntry.Kind.values


def entry(kind: str, payout: int | None = None, amount: int | None = None) -> LedgerEntry:
    return LedgerEntry(
        kind=kind,
        payout=None if payout is None else Decimal(payout),
        amount=None if amount is None else Decimal(amount),
        currency="USD",
    )


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], "tracked"),
        (["pending"], "pending"),
        (["pending", "approved"], "approved"),
        (["approved", "correction"], "approved"),
        (["pending", "rejected"], "rejected"),
        (["approved", "rejected"], "rejected"),
        (["refunded"], "refunded"),
        (["pending", "approved", "refunded"], "refunded"),
        (["approved", "refunded", "chargeback"], "chargeback"),
    ],
)
def test_the_strongest_statement_wins(kinds: list[str], status: str):
    assert standing_of([entry(kind) for kind in kinds]).status == status


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.none() | st.integers(-99, 99), st.none() | st.integers(-99, 99))))
def test_the_order_of_entries_does_not_matter(facts):
    entries = [entry(*fact) for fact in facts]
    shuffled = random.sample(entries, len(entries))

    assert standing_of(entries) == standing_of(shuffled)


def test_the_value_is_that_of_the_sale_with_its_corrections():
    standing = standing_of([entry("pending", 9, 90), entry("approved", 12, 99), entry("correction", -2, None)])

    assert (standing.payout, standing.amount, standing.currency) == (Decimal(10), Decimal(99), "USD")


def test_while_there_is_no_sale_it_is_that_of_the_pending_claim():
    assert standing_of([entry("pending", 9), entry("refunded", -12)]).payout == Decimal(9)


def test_what_is_taken_back_does_not_change_the_value_that_tiktok_was_told():
    assert standing_of([entry("approved", 12), entry("refunded", -12), entry("chargeback", -12)]).payout == Decimal(12)


def test_money_that_nobody_spoke_of_is_unknown_and_not_zero():
    standing = standing_of([entry("refunded")])

    assert (standing.payout, standing.amount) == (None, None)


@pytest.mark.django_db
def test_the_database_refuses_a_fact_twice():
    network = make_network()
    fields = {"network": network, "key": "k" * 64, "kind": "approved", "conversion": make_conversion()}
    postback = make_postback(network, {})
    moments = {"occurred_at": postback.received_at, "created_at": postback.received_at}
    LedgerEntry.objects.create(postback=postback, **fields, **moments)

    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(postback=make_postback(network, {}), **fields, **moments)
