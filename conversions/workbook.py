"""A workbook with one sheet, written row by row: Office Open XML, ECMA-376 part 1, SpreadsheetML.

openpyxl can do it too, in write-only mode, and takes eight times as long: one XML element object for each cell.
"""

import re
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import IO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from conversions.exporting import ROWS_AT_ONCE, Cell, Column

MOST_ROWS = 1_048_575
"""A sheet has 1,048,576 rows, and one holds the headers. Source: Microsoft, "Excel specifications and limits"."""
LONGEST_TEXT = 32_767
"""Characters in a cell, from the same page; Excel calls a file broken that holds more."""
DAY_ZERO = datetime(1899, 12, 30)
DAY = timedelta(days=1)
ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
"""How SpreadsheetML writes characters by number (22.9.2.19); where a text has it by chance, its first sign is."""

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{RELATIONS}">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
BEGIN = (
    f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
END = "</sheetData></worksheet>"


def write_xlsx(columns: Sequence[Column], rows: Iterable[list[Cell]], title: str) -> tuple[IO[bytes], int]:
    """A workbook in a temporary file, which goes when it is closed, and how many rows it holds.

    What was recorded after somebody looked whether there are too many rows is left out.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response that sends it closes it
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as book:
        sheets = f'<sheets><sheet name="{escape(title[:31])}" sheetId="1" r:id="rId1"/></sheets>'
        book.writestr("xl/workbook.xml", f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{sheets}</workbook>')
        for name, text in PARTS.items():
            book.writestr(name, HEAD + text)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            count = write_sheet(sheet, columns, rows)
    file.seek(0)
    return file, count


def write_sheet(sheet: IO[bytes], columns: Sequence[Column], rows: Iterable[list[Cell]]) -> int:
    """The sheet's XML, a few thousand rows at once; how many rows there were."""
    headers = [f"{column.header} (UTC)" if column.is_time else column.header for column in columns]
    pieces, count = [BEGIN, row_of(headers)], 0
    for row in rows:
        if count == MOST_ROWS:
            break
        pieces.append(row_of(row))
        count += 1
        if count % ROWS_AT_ONCE == 0:
            sheet.write("".join(pieces).encode())
            pieces = []
    sheet.write("".join([*pieces, END]).encode())
    return count


def row_of(row: Sequence[Cell]) -> str:
    return f"<row>{''.join(map(cell_of, row))}</row>"


def cell_of(value: Cell) -> str:
    """Text is text whatever it begins with, numbers are numbers, times are days in UTC since Excel's day zero."""
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, str):
        text = value if value.isalnum() and len(value) <= LONGEST_TEXT else storable(value)
        return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    if isinstance(value, datetime):
        return f'<c s="1"><v>{(value.astimezone(UTC).replace(tzinfo=None, microsecond=0) - DAY_ZERO) / DAY!r}</v></c>'
    return f"<c><v>{value:f}</v></c>" if not isinstance(value, int) else f"<c><v>{value}</v></c>"


def storable(text: str) -> str:
    """Cut to what a cell holds, with line ends as Excel has them."""
    text = text[:LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    return escape(ESCAPED.sub("_x005F_", text))
