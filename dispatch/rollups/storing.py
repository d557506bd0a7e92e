"""Making stored sums what they should be: only rows that differ are written, and every difference is told."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Model, QuerySet

from conversions import bulk
from dispatch.models.stale_slot import pieces

Key = tuple[Any, ...]
Columns = dict[str, Any]
AT_ONCE = 2000


@dataclass(frozen=True)
class Difference:
    """A row of sums that is not what it should be; None where there is none, or should be none."""

    table: str
    key: Key
    stored: Columns | None
    counted: Columns | None

    def has(self, name: str) -> bool:
        """Whether that column is what differs, or one of those."""
        return (self.stored or {}).get(name) != (self.counted or {}).get(name)

    def __str__(self) -> str:
        if self.stored is None or self.counted is None:
            return f"{self.table} {named(self.key)}: " + ("should be there" if self.counted else "should not be there")
        words = [
            f"{name} {self.stored[name]}, should be {value}"
            for name, value in self.counted.items()
            if self.stored[name] != value
        ]
        return f"{self.table} {named(self.key)}: {'; '.join(words)}"


def named(key: Key) -> str:
    return " ".join(str(part) for part in key if part != "")


@dataclass(frozen=True)
class Sheet:
    """The rows of one table that are made at once. `rows` are all there are of it; `fixed` is what they share."""

    rows: "QuerySet[Any]"
    fixed: Columns
    names: tuple[str, ...]
    columns: tuple[str, ...]

    @cached_property
    def stored(self) -> dict[Key, tuple[int, Columns]]:
        """What is there, by its key, with its primary key; read once."""
        found = self.rows.order_by().values_list("pk", *self.names, *self.columns)
        width = len(self.names) + 1
        return {values[1:width]: (values[0], dict(zip(self.columns, values[width:], strict=True))) for values in found}

    def differences(self, counted: dict[Key, Columns]) -> list[Difference]:
        """Rows that are missing, wrong or too many."""
        table = self.rows.model.__name__
        there = {key: columns for key, (_, columns) in self.stored.items()}
        keys = [*counted, *(key for key in there if key not in counted)]
        shared = tuple(str(value) for value in self.fixed.values())
        return [
            Difference(table, (*shared, *key), there.get(key), counted.get(key))
            for key in keys
            if there.get(key) != counted.get(key)
        ]

    def write(self, counted: dict[Key, Columns]) -> None:
        """Make it so. The caller holds the transaction, and nobody else makes the same rows meanwhile."""
        model, stored = self.rows.model, self.stored
        gone = [pk for key, (pk, _) in stored.items() if key not in counted]
        for part in pieces(gone):
            model.objects.filter(pk__in=part).delete()
        changed = [key for key in counted if key not in stored or stored[key][1] != counted[key]]
        rows = [self.row(model, key, counted[key]) for key in changed]
        for start in range(0, len(rows), AT_ONCE):
            bulk.write(self.upsert(), bulk.fields_to_insert(model), rows[start : start + AT_ONCE])

    def upsert(self) -> str:
        """INSERT of a whole row, or UPDATE of its figures where there is one."""
        model = self.rows.model
        unique = ", ".join(column_of(model, name) for name in (*self.fixed_unique(), *self.names))
        columns = [column_of(model, name) for name in self.columns]
        figures = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns)
        return f"{bulk.insert_sql(model)} ON CONFLICT ({unique}) DO UPDATE SET {figures}"

    def row(self, model: type[Model], key: Key, columns: Columns) -> Model:
        return model(**self.fixed, **dict(zip(self.names, key, strict=True)), **columns)

    def fixed_unique(self) -> Iterable[str]:
        """Those of the shared columns by which the table tells its rows apart."""
        (unique,) = self.rows.model._meta.total_unique_constraints
        return [name for name in self.fixed if name.removesuffix("_id") in unique.fields]


def column_of(model: type[Model], name: str) -> str:
    return bulk.quoted(bulk.concrete(model, name))
