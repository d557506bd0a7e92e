"""Files as spreadsheet programs and networks write them, and those that can't be read."""

import io
import zipfile
from datetime import datetime

import pytest

from conversions.uploads import files
from conversions.uploads.files import FileRefusedError, read_rows
from tests.conversions.uploads.support import xlsx_bytes

TABLE = [["Sub ID", "Name"], ["abc", "Jürgen"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_encoding_and_delimiter_is_read(encoding: str, delimiter: str):
    text = "\r\n".join(delimiter.join(row) for row in TABLE)

    assert list(read_rows(text.encode(encoding))) == TABLE


def test_a_delimiter_in_quotes_parts_nothing():
    assert list(read_rows(b'id;note\n1;"a,b,c,d"\n')) == [["id", "note"], ["1", "a,b,c,d"]]


def test_cells_of_a_workbook_become_plain_text():
    content = xlsx_bytes([["id", "payout", "at", "rate"], [1.2e18, 12.5, datetime(2026, 1, 31, 14, 5), 0.1 + 0.2]])

    assert list(read_rows(content))[1] == ["1200000000000000000", "12.5", "2026-01-31T14:05:00", "0.3"]


def test_a_formula_without_a_stored_value_is_empty():
    assert list(read_rows(xlsx_bytes([["id"], ["=1+1"], ["x"]]))) == [["id"], [], ["x"]]


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 100, "password"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n", "picture"),
        (b"<html><body>Please log in", "web page"),
        (bytes(range(256)) * 4, "not a table"),
        (b"PK\x03\x04 broken", "broken"),
        (zipped(a=b"x"), "archive"),
        (zipped(xl__workbook_xml=b"<no workbook"), "broken"),
        (zipped(xl__workbook_xml=b"x", bomb=b"0" * (files.MAX_UNPACKED + 1)), "200 MB"),
        (zipped(xl__workbook_xml=b"x", xl__sharedStrings_xml=b"0" * (files.MAX_HELD + 1)), "50 MB of texts"),
        (b"x" * (files.MAX_BYTES + 1), "20 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_is_refused_in_words(content: bytes, words: str):
    with pytest.raises(FileRefusedError, match=words):
        list(read_rows(content))


def test_a_file_with_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "MAX_ROWS", 3)

    assert len(list(read_rows(b"id\n1\n2\n3\n"))) == 4
    with pytest.raises(FileRefusedError, match="more than"):
        list(read_rows(b"id\n1\n2\n3\n4\n"))


def test_a_sheet_that_claims_to_be_huge_ends_where_its_rows_do():
    rows = [["id"], ["1"]]
    content = xlsx_bytes([*rows, *[[]] * 5000, ["far below"]])

    assert [row for row in read_rows(content) if any(row)] == rows


def test_a_field_larger_than_csv_allows_is_refused():
    with pytest.raises(FileRefusedError, match="no readable CSV"):
        list(read_rows(b'id\n"' + b"x" * 200_000 + b'"\n'))


def test_a_packed_file_comes_back():
    assert files.unpack(files.pack(b"\x00\xff content")) == b"\x00\xff content"
