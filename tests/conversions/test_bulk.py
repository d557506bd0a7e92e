"""Writing batches: the same values as the ORM writes, and unique constraints that keep the last word."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from conversions import bulk
from conversions.models import Click, Conversion, LedgerEntry, Postback
from tests.factories import make_click, make_conversion, make_network, make_postback

pytestmark = pytest.mark.django_db
UNIQUE = ("event_id", "event_name")
MOMENT = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)


def conversion_of(click: Click, **fields) -> Conversion:
    """A value in every column."""
    texts = {"event_name": "Purchase", "occurrence_key": "k", "transaction_id": "“T”\\'%s\n", "network_event": "é"}
    texts |= {"kind": "rebill", "status": "pending", "currency": "EUR", "page_url": "{}", "referrer": '"quoted"'}
    money = {"payout": Decimal("-123456789012.34"), "amount": Decimal("0.10")}
    moments = {"occurred_at": MOMENT, "planned_at": MOMENT, "created_at": MOMENT}
    said = {
        "page_value": Decimal("12.50"),
        "page_currency": "EUR",
        "page_properties": {"contents": [{"content_id": "“7”"}]},
    }
    told = {"margin": Decimal("1.50"), "lifetime_value": Decimal("90.00"), "segment": "vip", "lead_quality": "hot"}
    hashes = {"email_sha256": "a" * 64, "phone_sha256": "b" * 64}
    return Conversion(
        click=click,
        offer=click.offer,
        **{"event_id": uuid.uuid4(), **texts, **money, **moments, **hashes, **said, **told, **fields},
    )


def columns(model, key: int) -> dict[str, object]:
    return {name: value for name, value in model.objects.filter(pk=key).values()[0].items() if name != "id"}


def test_every_column_is_inserted_as_the_orm_inserts_it():
    conversion = conversion_of(make_click())
    bulk.insert_new([conversion], UNIQUE)
    own = columns(Conversion, conversion.pk)
    Conversion.objects.all().delete()

    conversion.save(force_insert=True)

    assert own == columns(Conversion, conversion.pk)
    assert not [name for name, value in own.items() if value in ("", None)]


def test_what_has_no_value_is_null():
    conversion = conversion_of(make_click(), payout=None, amount=None, planned_at=None)

    bulk.insert_new([conversion], UNIQUE)

    conversion.refresh_from_db()
    assert (conversion.payout, conversion.amount, conversion.planned_at) == (None, None, None)


def test_new_rows_and_those_that_are_there_both_get_their_keys():
    click, event_id = make_click(), uuid.uuid4()
    there = make_conversion(click, event_id=event_id, payout=Decimal(1))
    new, same = conversion_of(click), conversion_of(click, event_id=event_id)
    same_id = conversion_of(click, event_id=event_id, event_name="Lead")

    conflicts = bulk.insert_new([same, new, same_id], UNIQUE)

    assert conflicts == [same]
    assert same.pk == there.pk
    assert set(Conversion.objects.values_list("pk", "event_name")) == {
        (row.pk, row.event_name) for row in (there, new, same_id)
    }
    assert Conversion.objects.get(pk=there.pk).payout == 1


def test_a_fact_that_is_there_already_is_refused():
    conversion = make_conversion()
    network = conversion.offer.network
    entry = LedgerEntry(conversion=conversion, network=network, kind="approved", key="k", created_at=MOMENT)
    entry.occurred_at = MOMENT
    bulk.insert([entry])

    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([entry])

    assert columns(LedgerEntry, LedgerEntry.objects.get().pk)["conversion_id"] == conversion.pk


def test_only_the_named_fields_of_only_these_rows_are_rewritten():
    network = make_network()
    rows = [make_postback(network, {"n": name}) for name in "abc"]
    for row in rows:
        row.detail, row.due_at, row.outcome, row.params, row.method = (
            f"why “{row.params['n']}”",
            None,
            "test",
            {},
            "POST",
        )

    bulk.update(rows[:2], ["detail", "due_at", "outcome"])

    stored = Postback.objects.order_by("pk").values_list("detail", "outcome", "params__n", "method")
    assert list(stored) == [
        ("why “a”", "test", "a", "GET"),
        ("why “b”", "test", "b", "GET"),
        ("", "received", "c", "GET"),
    ]


def test_json_and_secrets_are_rewritten_as_they_are():
    postback = make_postback(make_network(), {})
    postback.params, postback.sealed_call, postback.conversion = {"a": '{"b": 1}'}, "whole", make_conversion()

    bulk.update([postback], ["params", "sealed_call", "conversion"])

    stored = Postback.objects.get()
    assert (stored.params, stored.sealed_call.reveal()) == ({"a": '{"b": 1}'}, "whole")
    assert stored.conversion == postback.conversion


def test_nothing_to_write_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        bulk.insert([])
        bulk.update([], ["detail"])
        assert bulk.insert_new([], UNIQUE) == []
