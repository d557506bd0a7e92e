"""Indexes of big tables, built while others write. A migration with one of these has `atomic = False`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.operations import AddIndex, RemoveIndex
from django.db.models import Index

WHOLE = {
    "postgresql": "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid",
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = %s",
}
"""Whether an index of that name is there and was built to its end."""


class AddIndexMeanwhile(AddIndex):
    """Build the index without keeping writers out, on PostgreSQL; it may be repeated when it was broken off."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            build(schema_editor, model, self.index)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            drop(schema_editor, model, self.index)


class RemoveIndexMeanwhile(RemoveIndex):
    """Drop the index without keeping others out, on PostgreSQL."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            index = from_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
            drop(schema_editor, model, index)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            index = to_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
            build(schema_editor, model, index)


def build(editor: Any, model: Any, index: Index) -> None:
    """Nothing where it is there already. What PostgreSQL leaves of a build that was broken off goes first."""
    if is_there(editor, index):
        return
    if editor.connection.vendor != "postgresql":
        editor.add_index(model, index)
        return
    with patient(editor):
        editor.remove_index(model, index, concurrently=True)
        editor.add_index(model, index, concurrently=True)


def drop(editor: Any, model: Any, index: Index) -> None:
    if editor.connection.vendor == "postgresql":
        with patient(editor):
            editor.remove_index(model, index, concurrently=True)
    elif is_there(editor, index):
        editor.remove_index(model, index)


def is_there(editor: Any, index: Index) -> bool:
    with editor.connection.cursor() as cursor:
        cursor.execute(WHOLE[editor.connection.vendor], [index.name])
        return cursor.fetchone() is not None


@contextmanager
def patient(editor: Any) -> Iterator[None]:
    """Without a limit to waiting: it waits for every transaction that is under way, and holds up none."""
    editor.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        editor.execute("RESET lock_timeout")
