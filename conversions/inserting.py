"""Storing one row by one prepared statement, for requests: the ORM would build and plan the same INSERT every time."""

from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor

from offers.encryption import SecretField

AS_IT_IS = (
    models.CharField, models.TextField, models.DateTimeField, models.BooleanField, models.PositiveSmallIntegerField,
    models.GenericIPAddressField, models.ForeignKey,
)  # fmt: skip


class PreparedInsert:
    """The INSERT of a model's rows: every column, as they are declared.

    A primary key that the database makes comes back; one of ours is a column like the others. PostgreSQL plans it once
    a connection. Elsewhere it is the ORM's own.
    """

    def __init__(self, model: type[models.Model]) -> None:
        meta = model._meta
        self.model = model
        self.makes_key = isinstance(meta.pk, models.AutoField)
        self.fields: list[models.Field[Any, Any]] = [
            field for field in meta.concrete_fields if not (field.primary_key and self.makes_key)
        ]
        self.special = [(place, field) for place, field in enumerate(self.fields) if not is_plain(field)]
        self.names = [field.attname for field in self.fields]
        columns = ", ".join(f'"{field.column}"' for field in self.fields)
        places = ", ".join(["%s"] * len(self.fields))
        returning = f' RETURNING "{meta.pk.column}"' if self.makes_key else ""
        self.sql = f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({places}){returning}'  # noqa: S608

    def __call__(self, row: models.Model) -> None:
        """Store a new row and give it its primary key. Raises django.db.Error."""
        database = connections[DEFAULT_DB_ALIAS]
        if database.vendor != "postgresql":
            return row.save(force_insert=True)
        with preparing_cursor(database) as cursor:
            cursor.execute(self.sql, self.values(row))
            if self.makes_key:
                (row.pk,) = cursor.fetchone()
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS

    def values(self, row: models.Model) -> list[Any]:
        """The row's values in the order of the columns, as psycopg takes them."""
        own = row.__dict__
        values = [own[name] for name in self.names]
        for place, field in self.special:
            values[place] = prepared(field, values[place])
        return values


def is_plain(field: "models.Field[Any, Any]") -> bool:
    """Whether psycopg and PostgreSQL agree on the field's Python values without our help."""
    return isinstance(field, AS_IT_IS) and not isinstance(field, SecretField)


def prepared(field: "models.Field[Any, Any]", value: Any) -> Any:
    if isinstance(field, models.JSONField):
        return orjson.dumps(value).decode()
    return field.get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])


def preparing_cursor(database: Any) -> CursorWrapper:
    """A cursor that leaves the parameters to the server, so that psycopg can prepare its statement.

    The connection's own ones put them into the text, as is Django's way; see `prepare_threshold` in the settings.
    """
    database.close_if_health_check_failed()
    database.ensure_connection()
    cursor: CursorWrapper = database._prepare_cursor(Cursor(database.connection))
    return cursor
