"""A workbook with one sheet, written row by row."""

import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import IO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from conversions.exporting import Cell, Column

MOST_ROWS = 1_048_575
"""A sheet has 1,048,576 rows, and one holds the headers. Source: Microsoft, "Excel specifications and limits"."""
LONGEST_TEXT = 32_767
"""Characters in a cell, from the same page; Excel calls a file broken that holds more."""


def write_xlsx(columns: Sequence[Column], rows: Iterable[list[Cell]], title: str) -> tuple[IO[bytes], int]:
    """A workbook in a temporary file, which goes when it is closed, and how many rows it holds.

    What was recorded after somebody looked whether there are too many rows is left out.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response that sends it closes it
    with Workbook(file, {"constant_memory": True}) as book:
        book.use_zip64()
        sheet = book.add_worksheet(title[:31])
        sheet.freeze_panes(1, 0)
        write_row(sheet, 0, [column.header + (" (UTC)" if column.is_time else "") for column in columns], None)
        count = write_rows(sheet, rows, book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
    file.seek(0)
    return file, count


def write_rows(sheet: Worksheet, rows: Iterable[list[Cell]], moment: Format) -> int:
    """Write rows below the headers; how many there were."""
    count = 0
    for row in rows:
        if count == MOST_ROWS:
            break
        count += 1
        write_row(sheet, count, row, moment)
    return count


def write_row(sheet: Worksheet, number: int, row: Sequence[Cell], moment: Format | None) -> None:
    """Text is text whatever it begins with, numbers are numbers, times are in UTC; what is empty stays so."""
    for column, value in enumerate(row):
        if isinstance(value, datetime):
            sheet.write_datetime(number, column, value.astimezone(UTC).replace(tzinfo=None, microsecond=0), moment)
        elif isinstance(value, str) and value:
            sheet.write_string(number, column, value[:LONGEST_TEXT])
        elif value is not None and value != "":
            sheet.write_number(number, column, value)
