"""Queries of a half-hour whose text is made once a process: that takes the ORM longer than the database its answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, wraps
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from dispatch.models.rollup import SLOT
from dispatch.rollups.bucket import Bucket
from offers.models import Offer

LONG_AGO = datetime(1971, 1, 1, 0, 30, tzinfo=UTC)
ANY = Bucket(Offer(pk=-1_971_001, network_id=-1_971_002), [], LONG_AGO, LONG_AGO)
"""No offer's half-hour: in the text of a query its values stand where those of the one that is asked for go."""
Rows = list[tuple[Any, ...]]
Convert = Callable[..., Any]


@dataclass(frozen=True)
class Statement:
    """The text of a query with its parameters, and what makes Python's values of the database's, by column."""

    sql: str
    parameters: Sequence[Any]
    converters: Mapping[int, tuple[Sequence[Convert], Any]]

    @classmethod
    def of(cls, rows: "QuerySet[Any, Any]") -> "Statement":
        """As the ORM would ask."""
        compiler = rows.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        return cls(sql, parameters, compiler.get_converters([column for column, *_ in compiler.select]))

    def ask(self, places: Mapping[Any, Any]) -> Rows:
        """Its rows, with these values in place of ANY's."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, [places.get(value, value) for value in self.parameters])
            found: Rows = cursor.fetchall()
        return [self.converted(row) for row in found] if self.converters else found

    def converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for place, (converters, expression) in self.converters.items():
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        return tuple(values)


def prepared(query: "Callable[[Bucket], QuerySet[Any, Any]]") -> Callable[[Bucket], Rows]:
    """The rows of a query, which may use nothing of a bucket but its offer's and network's keys and its time."""

    @cache
    def statement(vendor: str) -> Statement:
        return Statement.of(query(ANY))

    @wraps(query)
    def rows(bucket: Bucket) -> Rows:
        return statement(connection.vendor).ask(dict(zip(values_of(ANY), values_of(bucket), strict=True)))

    return rows


def values_of(bucket: Bucket) -> tuple[Any, ...]:
    """What differs from half-hour to half-hour, as the database takes it."""
    moments = (bucket.starts_at, bucket.starts_at + SLOT)
    adapted = (connection.ops.adapt_datetimefield_value(moment) for moment in moments)
    return (bucket.offer.pk, bucket.offer.network_id, *adapted)
