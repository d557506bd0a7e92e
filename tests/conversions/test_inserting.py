"""One row by one statement: the same row as the ORM stores."""

import pytest
from django.utils import timezone

from conversions.click_ids import new_click_id
from conversions.inserting import PreparedInsert
from conversions.models import Click, Conversion, Postback
from conversions.outcomes import Outcome
from tests.factories import make_click, make_conversion, make_network, make_offer

pytestmark = pytest.mark.django_db


def full_postback(**fields) -> Postback:
    """A value in every column."""
    now = timezone.now()
    texts = {"raw_call": "a=1", "sealed_call": "whole", "email_sha256": "a" * 64, "phone_sha256": "b" * 64}
    texts |= {"detail": "why, “so”", "click_ref": "c", "transaction_id": "t", "status_word": "w", "attached_to": "d"}
    defaults = {"method": "GET", "params": {"naïve": "%s 'quoted' \\u0041"}, "remote_ip": "2001:db8::1", "tries": 3}
    moments = {"received_at": now, "due_at": now, "digested_at": now, "leaves_out_macros": True}
    own = {"network": make_network(), "conversion": make_conversion(), "outcome": Outcome.FAILED}
    return Postback(**texts, **defaults, **moments, **own, **fields)


def columns(key: int) -> dict[str, object]:
    return {name: value for name, value in Postback.objects.filter(pk=key).values()[0].items() if name != "id"}


def test_every_column_is_stored_as_the_orm_stores_it():
    postback = full_postback()
    PreparedInsert(Postback)(postback)
    own = columns(postback.pk)

    postback.pk = None
    postback.save(force_insert=True)

    assert own == columns(postback.pk)
    assert not [name for name, value in own.items() if value in ("", None)]


def test_what_is_left_out_has_its_default():
    now = timezone.now()
    postback = Postback(network=make_network(), received_at=now, method="GET")

    PreparedInsert(Postback)(postback)

    assert Postback.objects.values().get() == {**columns(postback.pk), "id": postback.pk, "params": {}, "tries": 0}
    assert (postback.outcome, postback._state.adding, bool(postback.sealed_call)) == ("received", False, False)


def test_a_row_of_another_model_has_its_own_columns():
    conversion = make_conversion()
    key, conversion.pk, conversion.event_name = conversion.pk, None, "Lead"

    PreparedInsert(Conversion)(conversion)

    assert conversion.pk != key
    assert Conversion.objects.get(pk=conversion.pk).payout == conversion.payout


def test_a_key_of_ours_is_a_column_like_the_others():
    stored, twin = make_click(ttclid="é" * 2048, ip="2001:db8::1", capped_offer=make_offer()), new_click_id()
    click = Click.objects.get(pk=stored.pk)
    click.pk = twin

    PreparedInsert(Click)(click)

    rows = {row.pop("id"): row for row in Click.objects.values()}
    assert rows[twin] == rows[stored.pk]
    assert not click._state.adding


def test_many_rows_of_one_connection_are_as_many_rows():
    insert, network = PreparedInsert(Postback), make_network()

    for number in range(12):
        insert(Postback(network=network, received_at=timezone.now(), method="GET", params={"n": str(number)}))

    assert [row.params["n"] for row in Postback.objects.order_by("pk")] == [str(number) for number in range(12)]
