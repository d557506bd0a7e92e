"""Writing a batch of rows by one statement.

The ORM prepares every value of every row by itself, which takes longer than the digest's whole thinking. PostgreSQL
takes the rows as one JSON text instead, SQLite by executemany. Columns come from the model, so that none is forgotten.
"""

from collections.abc import Iterable, Sequence
from types import NoneType
from typing import Any, TypeVar

import orjson
from django.db import connection
from django.db.models import Field, JSONField, Model

from offers.encryption import Secret

Row = TypeVar("Row", bound=Model)
FieldList = list["Field[Any, Any]"]
PLAIN = (str, int, NoneType)
Keys = dict[tuple[Any, ...], Any]


def insert(rows: Sequence[Model]) -> None:
    """Insert the rows, which stay without primary keys. Raises IntegrityError where one is there already."""
    if rows:
        write(insert_sql(type(rows[0])), fields_to_insert(type(rows[0])), rows)


def insert_new(rows: Sequence[Row], unique: tuple[str, ...]) -> list[Row]:
    """Insert the rows that are new by their `unique` fields; those that are not. All have their primary keys then."""
    if not rows:
        return []
    model = type(rows[0])
    inserted = insert_or_leave(model, rows, unique)
    there = [row for row in rows if values_of(row, unique) not in inserted]
    stored = inserted | keys_of(model, there, unique)
    for row in rows:
        row.pk = stored[values_of(row, unique)]
    return there


def insert_or_leave(model: type[Model], rows: Sequence[Model], unique: tuple[str, ...]) -> Keys:
    """Insert what meets no constraint; the keys of that."""
    sql, fields = insert_sql(model) + " ON CONFLICT DO NOTHING", fields_to_insert(model)
    if connection.vendor == "postgresql":
        returned = ", ".join(quoted(concrete(model, name)) for name in ("pk", *unique))
        found = write(f"{sql} RETURNING {returned}", fields, rows)
        return {tuple(values): key for key, *values in found}
    newest = model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
    write(sql, fields, rows)  # in the writer's lock, so that what is newer is ours
    return {values: key for values, key in keys_of(model, rows, unique).items() if key > newest}


def update(rows: Sequence[Model], names: Iterable[str]) -> None:
    """Write these fields of stored rows."""
    if not rows:
        return
    meta = type(rows[0])._meta
    *fields, key = (concrete(type(rows[0]), name) for name in (*names, "pk"))
    if connection.vendor == "postgresql":
        columns = ", ".join(f"{quoted(field)} = new.{quoted(field)}" for field in fields)
        same = f"old.{quoted(key)} = new.{quoted(key)}"
        sql = f'UPDATE "{meta.db_table}" AS old SET {columns} FROM {{}} WHERE {same}'  # noqa: S608 - names of ours
    else:
        columns = ", ".join(f"{quoted(field)} = %s" for field in fields)
        sql = f'UPDATE "{meta.db_table}" SET {columns} WHERE {quoted(key)} = %s'  # noqa: S608 - names of ours
    write(sql, [*fields, key], rows)


def insert_sql(model: type[Model]) -> str:
    """The INSERT of all columns but the primary key."""
    fields = fields_to_insert(model)
    columns = ", ".join(quoted(field) for field in fields)
    into = f'INSERT INTO "{model._meta.db_table}" ({columns})'
    if connection.vendor == "postgresql":
        return f"{into} SELECT {columns} FROM {{}}"  # noqa: S608 - names of ours
    return f"{into} VALUES ({', '.join(['%s'] * len(fields))})"


def write(sql: str, fields: FieldList, rows: Sequence[Model]) -> list[Any]:
    """Execute a statement with the rows: as the table for which `{}` stands on PostgreSQL, else once for each row.

    What it returns, on PostgreSQL.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(sql.format(table_of(fields)), [as_json(fields, rows)])
            return list(cursor.fetchall()) if cursor.description else []
        cursor.executemany(sql, [[prepared(field, row) for field in fields] for row in rows])
    return []


def table_of(fields: FieldList) -> str:
    """A JSON text as a table with columns of these fields' types."""
    columns = ", ".join(f"{quoted(field)} {field.rel_db_type(connection)}" for field in fields)
    return f"json_to_recordset(%s::json) AS new({columns})"


def as_json(fields: FieldList, rows: Sequence[Model]) -> str:
    """The rows as PostgreSQL reads them into columns."""
    names = [(field.column, field.attname) for field in fields]
    values = [{column: row.__dict__[name] for column, name in names} for row in rows]
    return orjson.dumps(values, default=plain).decode()


def plain(value: Any) -> str:
    return value.stored if isinstance(value, Secret) else str(value)


def prepared(field: "Field[Any, Any]", row: Model) -> Any:
    """The value as the driver takes it. Most are so already, and asking Django of each takes a quarter of a digest."""
    value = row.__dict__[field.attname]
    if isinstance(value, PLAIN) and not isinstance(field, JSONField):
        return value
    return field.get_db_prep_save(value, connection)


def keys_of(model: type[Model], rows: Sequence[Model], unique: tuple[str, ...]) -> Keys:
    """The primary keys of stored rows by their unique fields; the first of these is looked up."""
    if not rows:
        return {}
    wanted = {unique[0] + "__in": [getattr(row, unique[0]) for row in rows]}
    found = model._default_manager.filter(**wanted).order_by().values_list("pk", *unique)
    return {tuple(values): key for key, *values in found}


def values_of(row: Model, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


def fields_to_insert(model: type[Model]) -> FieldList:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def concrete(model: type[Model], name: str) -> Any:
    """The field that a column belongs to; `pk` is the primary key."""
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def quoted(field: "Field[Any, Any]") -> str:
    return connection.ops.quote_name(str(field.column))
