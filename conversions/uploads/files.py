"""Reading an uploaded CSV or XLSX file as rows of plain text, within limits, and saying in words why one can't be."""

import base64
import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any

import openpyxl
from import_export.formats.base_formats import CSV, XLSX

from conversions.visitor import clean_text

MAX_BYTES = 20 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 100
MAX_CELL = 4096
MAX_UNPACKED = 200 * 1024 * 1024
MAX_HELD = 50 * 1024 * 1024  # of what is no sheet: texts and styles, which are read as a whole
SHEETS, PICTURES = "xl/worksheets/", "xl/media/"
MAX_MEMBERS = 2000
MAX_EMPTY_ROWS = 1000
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
OTHER_KINDS = {b"%PDF": "a PDF", b"\x1f\x8b": "a gzip archive", b"\x89PNG": "a picture", b"<htm": "a web page"}
DELIMITERS = ",;\t|"
FORMULA = ("=", "+", "-", "@")
SAVE_AS = "Open it in your spreadsheet program and save it as CSV (UTF-8) or XLSX."
TOO_LONG = f"The file has more than {MAX_ROWS:,} rows. Split it into several files."
Rows = Iterator[list[str]]


class FileRefusedError(Exception):
    """A file that can't be read; says why and what to do."""


def pack(content: bytes) -> str:
    """The file as text that can be sealed, compressed."""
    return base64.b64encode(zlib.compress(content, 6)).decode()


def unpack(text: str) -> bytes:
    """What pack() has packed."""
    return zlib.decompress(base64.b64decode(text))


def refuse_at_once(content: bytes) -> None:
    """Raises FileRefusedError for what nobody has to read to the end: too large, empty, or another kind of file."""
    if len(content) > MAX_BYTES:
        raise FileRefusedError("The file is larger than 20 MB. Split it into several files.")
    if not content.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise FileRefusedError("The file is empty.")
    if content.startswith(OLE):
        raise FileRefusedError(f"The file is protected by a password, or of Excel's old kind (.xls). {SAVE_AS}")
    kind = next((words for start, words in OTHER_KINDS.items() if content[:8].lower().startswith(start.lower())), "")
    if kind:
        raise FileRefusedError(f"The file is {kind}, not a table. Upload a CSV or XLSX file.")
    if content.startswith(ZIP):
        refuse_bomb(content)
    else:
        decode(content)


def refuse_bomb(content: bytes) -> None:
    """Raises FileRefusedError for a zip file that is no workbook, is broken, or is far larger than it looks."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise FileRefusedError(f"The XLSX file is broken. {SAVE_AS}") from error
    if not any(member.filename == "xl/workbook.xml" for member in members):
        raise FileRefusedError("The file is an archive, not a workbook. Unpack it and upload the CSV or XLSX inside.")
    if any(member.flag_bits & 1 for member in members):
        raise FileRefusedError(f"The file is protected by a password. {SAVE_AS}")
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise FileRefusedError(f"The XLSX file holds more than 200 MB when it is unpacked. {SAVE_AS}")
    if sum(m.file_size for m in members if not m.filename.startswith((SHEETS, PICTURES))) > MAX_HELD:
        raise FileRefusedError("The XLSX file holds more than 50 MB of texts. Save it as CSV (UTF-8), or split it.")


def read_rows(content: bytes) -> Rows:
    """The rows of a file from its first to its last, blank ones included, as trimmed text. Raises FileRefusedError."""
    refuse_at_once(content)
    kind = BoundedXLSX() if content.startswith(ZIP) else TolerantCSV()
    return within_limits(kind.create_dataset(content))


def within_limits(rows: Iterable[Iterable[Any]]) -> Rows:
    empty = count = 0
    for row in rows:
        cells = [as_text(cell) for cell in filled(row)]
        empty = 0 if any(cells) else empty + 1
        count += not empty
        if count > MAX_ROWS + 1:  # the headings are one
            raise FileRefusedError(TOO_LONG)
        if empty > MAX_EMPTY_ROWS:
            return
        yield cells


def filled(row: Iterable[Any]) -> list[Any]:
    """The cells up to the last one with anything in it."""
    cells = list(islice(row, MAX_COLUMNS))
    while cells and cells[-1] in (None, ""):
        cells.pop()
    return cells


class TolerantCSV(CSV):  # type: ignore[misc]
    """CSV of any encoding and delimiter that spreadsheet programs write; rows may be of different lengths."""

    def create_dataset(self, in_stream: bytes, **options: Any) -> Iterator[list[str]]:
        """The rows one after the other. Raises FileRefusedError."""
        text = decode(in_stream)
        try:
            yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), **options)
        except csv.Error as error:
            raise FileRefusedError(f"The file is no readable CSV ({error}). {SAVE_AS}") from error


class BoundedXLSX(XLSX):  # type: ignore[misc]
    """The first sheet that has rows, values only; a sheet that claims to be huge costs no more than its rows."""

    def create_dataset(self, in_stream: bytes, **options: Any) -> Iterator[tuple[Any, ...]]:
        """The rows one after the other. Raises FileRefusedError."""
        try:
            book = openpyxl.load_workbook(io.BytesIO(in_stream), read_only=True, data_only=True)
            for sheet in book.worksheets:
                sheet.reset_dimensions()
                rows = sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)
                first = next(rows, None)
                if first is not None:
                    yield first
                    yield from rows
                    return
        except FileRefusedError:
            raise
        except Exception as error:  # openpyxl raises whatever the broken part of a file leads to
            raise FileRefusedError(f"The XLSX file is broken. {SAVE_AS}") from error


def decode(content: bytes) -> str:
    """The text of a CSV file: UTF-8, UTF-16 with its mark, else Windows-1252. Raises FileRefusedError for no text."""
    is_marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ["utf-16"] if is_marked else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not is_binary(text):
            return text
    raise FileRefusedError(f"The file is not a table that can be read as text. {SAVE_AS}")


def is_binary(text: str) -> bool:
    """Whether there are characters that no table has."""
    return any(ord(character) < 32 and character not in "\t\r\n\x0b\x0c" for character in text[:100_000])


def delimiter_of(text: str) -> str:
    """What parts the columns: the character that stands most often outside quotes in the first lines."""
    first = text.lstrip()[:10_000]
    if first[:4].lower() == "sep=":  # what Excel writes for itself
        return first[4:5]
    unquoted = "".join(first.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)


def as_text(value: Any) -> str:
    """A cell as plain text: whole numbers without exponent, times in ISO 8601."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return plain_number(value)
        case datetime() | date() | time():
            return value.isoformat()
    text = clean_text(str(value), MAX_CELL).strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA else text  # what keeps a formula from being one


def plain_number(value: float) -> str:
    """A number as people would write it. XLSX keeps 15 digits; what is behind them is rounding."""
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    number = Decimal(f"{value:.15g}")
    return f"{number:f}" if number != number.to_integral() else f"{number.to_integral():f}"
