"""Affise: statuses as numbers, the click id in sub1."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from conversions.models import Conversion
from tests.conversions.networks.support import click_of, digested, read, refusal, template


def test_a_filled_template_is_read():
    record = read(
        "affise", click_id="abc", txid="A-7", goal="deposit", status="1", payout="12.5", currency="EUR",
        ts="1768500000",
    )  # fmt: skip

    assert (record.click_id, record.transaction_id, record.event, record.status) == (
        "abc", "A-7", "deposit", "approved",
    )  # fmt: skip
    assert (record.payout, record.currency) == (Decimal("12.50"), "EUR")
    assert record.occurred_at == datetime(2026, 1, 15, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(("word", "status"), [("1", "approved"), ("2", "pending"), ("3", "rejected"), ("5", "pending")])
def test_its_numbers_are_statuses(word: str, status: str):
    assert read("affise", status=word).status == status


def test_a_number_that_it_does_not_have_is_not_guessed():
    assert refusal("affise", status="4") == "unmapped_status"


def test_a_macro_in_the_wrong_spelling_is_named():
    assert refusal("affise", click_id="{clickid}") == "unreplaced_macro"


@pytest.mark.django_db
def test_a_decline_takes_the_pending_conversion_back():
    click = click_of("affise")

    for status in ("2", "3"):
        digested(click.offer.network, template(click_id=click.pk, txid="A-7", status=status, payout="10"))

    assert Conversion.objects.get().status == Conversion.Status.REJECTED
