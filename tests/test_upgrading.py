"""An upgrade while the site is in use: earlier code goes on writing, and big indexes keep nobody out."""

import uuid
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.state import ProjectState
from django.test.utils import CaptureQueriesContext

from conversions.click_ids import new_click_id
from conversions.indexing import AddIndexMeanwhile, RemoveIndexMeanwhile
from conversions.models import Click, Conversion, Postback
from dispatch.models import Credential, Lane
from offers.models import Offer
from tests.factories import (
    make_click,
    make_conversion,
    make_credential,
    make_network,
    make_offer,
    make_pixel,
    make_postback,
)

TABLE, NAME = "offers_pixel", "pixel_index_of_a_test"
LATER_COLUMNS = {"activated_because", "kind", "sealed_call", "status_word", "attached_to", "leaves_out_macros"}
LATER_COLUMNS |= {"page_value", "page_currency", "page_properties"}
LATER_COLUMNS |= {"consent_source", "consent_said_at", "country", "region", "robot", "capped_offer_id", "erased_at"}
LATER_COLUMNS |= {"margin", "lifetime_value", "segment", "lead_quality", "is_test", "valued"}
LATER_COLUMNS |= {"replaced_by", "value_of_words"}
LATER_COLUMNS |= {"consent_countries", "limited_data_places", "page_hosts", "cap_time_zone", "fallback_offer_id"}


@pytest.mark.django_db
def test_a_worker_of_the_release_before_makes_a_lane():
    pixel = make_pixel()

    run(f"INSERT INTO dispatch_lane (pixel_id) VALUES ({pixel.pk})")

    lane = Lane.objects.get()
    assert values_of(lane) == values_of(Lane(pixel=pixel))


@pytest.mark.django_db
def test_a_page_of_the_release_before_stages_a_credential():
    stored = make_credential(make_pixel(), state="staged")

    copy = copied_by_the_release_before(stored)

    assert (copy.state, copy.activated_because) == ("staged", "")


@pytest.mark.django_db
def test_a_gateway_of_the_release_before_keeps_a_call():
    stored = make_postback(make_network(), {"click_id": "x"})

    copy = copied_by_the_release_before(stored)

    assert (copy.params, copy.attached_to, bool(copy.sealed_call)) == ({"click_id": "x"}, "", False)


@pytest.mark.django_db
def test_a_digest_of_the_release_before_records_a_sale():
    stored = make_conversion()

    copy = copied_by_the_release_before(stored, event_id=f"'{uuid.uuid4().hex}'")

    assert copy.kind == Conversion.Kind.SALE


@pytest.mark.django_db
def test_a_tracking_link_of_the_release_before_stores_a_click():
    stored = make_click()

    copy = copied_by_the_release_before(stored, id=f"'{new_click_id()}'")

    assert (copy.consent_source, copy.country, copy.robot, copy.capped_offer) == ("", "", "", None)


@pytest.mark.django_db
def test_an_admin_of_the_release_before_adds_an_offer():
    stored = make_offer()

    copy = copied_by_the_release_before(stored, slug="'another'")

    assert (copy.page_hosts, copy.cap_time_zone, copy.fallback_offer) == ("", "UTC", None)


@pytest.mark.parametrize("model", [Lane, Credential, Postback, Conversion, Click, Offer])
def test_a_row_that_is_not_stored_yet_has_plain_values(model: type[models.Model]):
    values = {field.name: field.value_from_object(model()) for field in model._meta.concrete_fields}

    assert not [name for name, value in values.items() if isinstance(value, models.expressions.Expression)]


@pytest.mark.django_db(transaction=True)
class TestIndexes:
    index = models.Index(fields=["name"], name=NAME)

    @pytest.fixture(autouse=True)
    def _no_index_afterwards(self) -> Any:
        yield
        run(f"DROP INDEX IF EXISTS {NAME}")

    def test_are_built_and_removed_without_keeping_anybody_out(self):
        built = add(self.index)
        assert indexes() == {NAME}
        removed = remove(self.index)

        assert indexes() == set()
        if connection.vendor == "postgresql":
            assert any(sql.startswith("CREATE INDEX CONCURRENTLY") for sql in built)
            assert any(sql.startswith("DROP INDEX CONCURRENTLY") for sql in removed)

    def test_can_be_taken_back(self):
        add(self.index)
        add(self.index, backwards=True)
        assert indexes() == set()

        remove(self.index, backwards=True)
        assert indexes() == {NAME}

    def test_are_built_once_however_often_the_migration_is_repeated(self):
        add(self.index)

        assert not any("CREATE INDEX" in sql for sql in add(self.index))
        remove(self.index)
        remove(self.index)

    def test_are_built_anew_when_they_were_broken_off(self):
        add(self.index)
        if connection.vendor == "postgresql":  # SQLite builds them whole or not at all
            run(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{NAME}'::regclass")
            add(self.index)
            run(f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{NAME}'::regclass", [(True,)])

        assert indexes() == {NAME}

    def test_wait_for_others_as_long_as_it_takes(self):
        before = lock_timeout()

        add(self.index)

        assert lock_timeout() == before


def copied_by_the_release_before(stored: Any, **others: str) -> Any:
    """A copy of the row, written by code that does not know the later columns."""
    columns = [
        field.column for field in stored._meta.concrete_fields if not field.primary_key or field.column in others
    ]
    known = [name for name in columns if name not in LATER_COLUMNS]
    table, values = stored._meta.db_table, ", ".join(others.get(name, name) for name in known)
    run(f"INSERT INTO {table} ({', '.join(known)}) SELECT {values} FROM {table}")
    return type(stored).objects.exclude(pk=stored.pk).get()


def values_of(row: models.Model) -> dict[str, Any]:
    return {field.name: field.value_from_object(row) for field in row._meta.concrete_fields}


def run(sql: str, expected: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert expected is None or cursor.fetchall() == expected


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        return {NAME} & connection.introspection.get_constraints(cursor, TABLE).keys()


def add(index: models.Index, backwards: bool = False) -> list[str]:
    """Apply the operation, or take it back; the SQL that ran."""
    before, after = states(index)
    return applied(AddIndexMeanwhile("pixel", index), before, after, backwards)


def remove(index: models.Index, backwards: bool = False) -> list[str]:
    after, before = states(index)
    return applied(RemoveIndexMeanwhile("pixel", index.name), before, after, backwards)


def states(index: models.Index) -> tuple[ProjectState, ProjectState]:
    """Without the index, and with it."""
    without = ProjectState.from_apps(apps)
    with_it = without.clone()
    with_it.add_index("offers", "pixel", index)
    return without, with_it


def applied(operation: Any, before: ProjectState, after: ProjectState, backwards: bool) -> list[str]:
    with CaptureQueriesContext(connection) as captured, connection.schema_editor(atomic=False) as editor:
        if backwards:
            operation.database_backwards("offers", editor, after, before)
        else:
            operation.database_forwards("offers", editor, before, after)
    return [query["sql"] for query in captured]


def lock_timeout() -> Any:
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return cursor.fetchone()[0]
