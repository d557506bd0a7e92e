"""Batches of the digest: in order, cheap, and not held up by one row."""

from datetime import timedelta

import pytest
from django.db import DataError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions import digest
from conversions.book import ClickBook
from conversions.digest import digest_batch, digest_one
from conversions.models import Conversion, LedgerEntry, Postback
from tests.conversions.support import digest_everything
from tests.factories import make_click, make_postback, standby_error

pytestmark = pytest.mark.django_db


def test_a_batch_takes_the_oldest_first_and_no_more_than_asked():
    click = make_click()
    now = timezone.now()
    for n in range(5):
        make_postback(
            click.offer.network, {"click_id": click.pk, "txid": f"T-{n}"}, received_at=now - timedelta(hours=n)
        )

    assert digest_batch(now, limit=2) == 2

    assert set(Conversion.objects.values_list("transaction_id", flat=True)) == {"T-4", "T-3"}


def test_the_number_of_statements_does_not_grow_with_the_batch():
    click = make_click()

    def statements(count: int) -> int:
        for n in range(count):
            make_postback(click.offer.network, {"click_id": click.pk, "txid": f"{count}-{n}"})
        with CaptureQueriesContext(
            connection,
        ) as queries:
            digest_batch(timezone.now())
        return len(queries)

    statements(1)  # the network is heard of
    assert statements(100) <= statements(2) + 6  # SQLite takes 999 values a statement


def test_one_poisonous_row_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch):
    click = make_click()
    for n in range(3):
        make_postback(click.offer.network, {"click_id": click.pk, "txid": f"T-{n}"})
    real = ClickBook.create

    def create(self, postback, record, now):
        if record.transaction_id == "T-1":
            raise ZeroDivisionError
        return real(self, postback, record, now)

    monkeypatch.setattr(ClickBook, "create", create)
    digest_everything()

    assert sorted(Postback.objects.values_list("outcome", flat=True)) == ["failed", "recorded", "recorded"]
    assert Postback.objects.get(outcome="failed").detail == "ZeroDivisionError while digesting."


def test_neither_does_one_that_the_database_refuses(monkeypatch: pytest.MonkeyPatch):
    click = make_click()
    for n in range(3):
        make_postback(click.offer.network, {"click_id": click.pk, "txid": f"T-{n}"})
    real = digest.insert_conversions

    def insert(new):
        if any(conversion.transaction_id == "T-1" for conversion in new):
            raise DataError("value out of range")
        return real(new)

    monkeypatch.setattr(digest, "insert_conversions", insert)
    digest_everything()

    assert sorted(Postback.objects.values_list("outcome", flat=True)) == ["failed", "recorded", "recorded"]


@pytest.mark.parametrize("outage", [OperationalError("server closed the connection"), standby_error()])
def test_an_outage_puts_nothing_aside(outage: Exception, monkeypatch: pytest.MonkeyPatch):
    click = make_click()
    postback = make_postback(click.offer.network, {"click_id": click.pk})

    def away(new):
        raise outage

    monkeypatch.setattr(digest, "insert_conversions", away)
    with pytest.raises(type(outage)):
        digest_batch(timezone.now())
    with pytest.raises(type(outage)):
        digest_one(postback.pk)

    assert Postback.objects.due(timezone.now()).count() == 1
    assert not LedgerEntry.objects.exists()
