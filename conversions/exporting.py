"""Rows on their way out: columns, cells that no spreadsheet can take for a formula, CSV, row by row.

django-import-export holds a whole table in memory before it writes the first byte, so it serves the ways in only.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

Cell = str | int | Decimal | datetime | None
ROWS_AT_ONCE = 2000
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 does not allow as a character (section 2.2)."""

FORMULA = re.compile(r"""^[\s"'‘’“”`\N{ZERO WIDTH NO-BREAK SPACE}]*[=+\-@\N{MINUS SIGN}＝＋－＠]|^[\t\r\n]""")
WITHIN = re.compile(r"""([;,|\t\r\n][\s"']*)(?=[=+\-@＝＋－＠])""")


def as_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Column:
    """One column: its header, the field that it is read from, and whether it says who somebody is.

    A time has its zone in the header where the file can't hold one.
    """

    header: str
    field: str
    read: Callable[[Any], Any] = as_is
    is_personal: bool = False
    is_time: bool = False


def without_query(url: str) -> str:
    """The address of a page without what the visitor's click brought along."""
    return url.partition("?")[0].partition("#")[0]


def chosen(columns: Sequence[Column], with_personal: bool) -> list[Column]:
    return [column for column in columns if with_personal or not column.is_personal]


def rows_of(queryset: QuerySet[Any], columns: Sequence[Column]) -> Iterator[list[Cell]]:
    """The rows in the list's order, only the columns needed, from the database in pieces: memory stays flat."""
    fields = list(dict.fromkeys(column.field for column in columns))
    reads = [(fields.index(column.field), column.read) for column in columns]
    for values in queryset.prefetch_related(None).values_list(*fields).iterator(chunk_size=ROWS_AT_ONCE):
        yield [cell(read(values[place])) for place, read in reads]


def cell(value: Any) -> Cell:
    """Numbers, times and nothing as they are; anything else as harmless text, ids too."""
    if value is None or isinstance(value, int | Decimal | datetime):
        return value
    return harmless(value if isinstance(value, str) else str(value))


def harmless(text: str) -> str:
    """Text that a spreadsheet shows and does not calculate: an apostrophe before whatever could begin a formula.

    Blanks, quotes and full-width signs before or instead of it change nothing. Source: OWASP, "CSV Injection". Other
    control characters, NUL and lone surrogates, which no XML may hold, are left out.
    """
    if text[:1].isalnum() and text.isprintable():  # nearly all there is, and several times as fast
        return text
    text = UNSTORABLE.sub("", text)
    return f"'{text}" if FORMULA.match(text) else text


def csv_lines(columns: Sequence[Column], rows: Iterable[list[Cell]]) -> Iterator[bytes]:
    """A CSV file in pieces: UTF-8 with BOM, which Excel wants, and quotes around all that is no number."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC)
    buffer.write(BOM)
    writer.writerow([column.header for column in columns])
    for count, row in enumerate(rows, 1):
        writer.writerow([in_csv(value) for value in row])
        if count % ROWS_AT_ONCE == 0:
            yield emptied(buffer)
    yield emptied(buffer)


def in_csv(value: Cell) -> Cell:
    """Times in ISO 8601 with their zone. Excel in many countries splits at semicolons, quoted or not: what stands
    behind one begins a cell there.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value if not isinstance(value, str) or value.isalnum() else WITHIN.sub(r"\1'", value)


def emptied(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


class Counted:
    """Rows that are counted as they pass; the end is told how many there were, also when nobody wants the rest."""

    def __init__(self, rows: Iterator[list[Cell]], at_end: Callable[[int, bool], None]) -> None:
        self.rows, self.at_end = rows, at_end

    def __iter__(self) -> Iterator[list[Cell]]:
        count, is_complete = 0, False
        try:
            with closing(self.rows) as rows:  # type: ignore[type-var]
                for row in rows:
                    count += 1
                    yield row
            is_complete = True
        finally:
            self.at_end(count, is_complete)
