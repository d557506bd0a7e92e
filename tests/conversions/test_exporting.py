"""Files on their way out: what a spreadsheet could take for a formula, numbers, times, ids, many rows."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from conversions import exporting, workbook
from conversions.exporting import BOM, Column, Counted, cell, chosen, csv_lines, harmless, without_query
from conversions.workbook import LONGEST_TEXT, write_xlsx

COLUMNS = [Column("Text", "text"), Column("Number", "number"), Column("When", "when", is_time=True)]
NOON = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))


def read_csv(rows: list[list[Any]]) -> list[list[str]]:
    text = b"".join(csv_lines(COLUMNS, rows)).decode()
    assert text.startswith(BOM)
    return list(csv.reader(io.StringIO(text.removeprefix(BOM), newline="")))


def read_xlsx(rows: list[list[Any]]) -> list[tuple[Any, ...]]:
    file, _ = write_xlsx(COLUMNS, rows, "A sheet")
    with file:
        return [tuple(found.value for found in row) for row in load_workbook(file).active.iter_rows()]


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\rx", "\nx", " =1", '"=1', "'=1", " \"' =1", "＝1", "＋1", "－1", "＠x",
     "\u2212 1", "\ufeff=1", "\xa0=1", "\u3000=1", "\x00=1", "\x07=1", "=HYPERLINK(\"//x\",\"y\")"],
)  # fmt: skip
def test_what_could_begin_a_formula_gets_an_apostrophe(text):
    assert harmless(text).startswith("'")


@pytest.mark.parametrize(
    "text", ["", "T-1", "a=b", "a+b@example", "178000000000000001", "1E5", "é", "日本", "a\nb", "“"]
)
def test_any_other_text_stays_as_it_is(text):
    assert harmless(text) == text


@pytest.mark.parametrize("text", ["x;=1", "x;  =1", 'x;"=1', "x\n=1", "x\r\n+1", "x\t@a", "x|-1", "x,=1"])
def test_nor_does_one_begin_where_another_country_splits_cells(text):
    (_, (found, *_)) = read_csv([[cell(text), 1, None]])

    assert "'=" in found or "'+" in found or "'@" in found or "'-" in found


@given(st.text())
def test_no_text_makes_a_formula_or_breaks_a_file(text):
    (_, (in_csv, number, _)) = read_csv([[cell(text), 1, None]])

    assert number == "1"
    assert not in_csv.lstrip(" \t\r\n\"'").startswith(("=", "+", "-", "@")) or in_csv.startswith("'")
    assert "\x00" not in in_csv


@pytest.mark.parametrize("text", ["=1+1", "\x00\x01\x0b", "a\r\nb", "x" * 40_000, "\ud800", "<&>", "_x000D_"])
def test_a_workbook_with_whatever_text_can_be_read(text):
    (_, (found, *_)) = read_xlsx([[cell(text), 1, None]])

    assert not (found or "").startswith("=")
    assert len(found or "") <= LONGEST_TEXT


def test_numbers_are_numbers_times_have_a_zone_and_ids_are_text():
    row = [cell("17800000000000000012"), cell(Decimal("-12.50")), cell(NOON)]

    text = b"".join(csv_lines(COLUMNS, [row])).decode()
    headers, values = read_xlsx([row])

    assert '"17800000000000000012",-12.50,"2026-11-20T12:00:00+00:00"' in text
    assert headers == ("Text", "Number", "When (UTC)")
    assert values == ("17800000000000000012", -12.5, datetime(2026, 11, 20, 12))


def test_nothing_is_an_empty_cell():
    assert read_csv([[cell(""), cell(1), cell(None)]])[1] == ["", "1", ""]
    assert read_xlsx([[cell(""), cell(1), cell(None)]])[1] == (None, 1, None)


def test_personal_columns_are_left_out():
    columns = [Column("Offer", "offer"), Column("Browser", "user_agent", is_personal=True)]

    assert [column.header for column in chosen(columns, with_personal=False)] == ["Offer"]
    assert chosen(columns, with_personal=True) == columns


def test_an_address_without_what_the_click_brought_along():
    assert without_query("https://shop.example/page?ttclid=x#top") == "https://shop.example/page"
    assert without_query("https://shop.example/page#ttclid=x?y") == "https://shop.example/page"


def test_a_sheet_is_cut_where_excel_ends(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)

    file, count = write_xlsx(COLUMNS, ([cell(str(i)), i, NOON] for i in range(5)), "A sheet")

    with file:
        assert (count, len(list(load_workbook(file).active.iter_rows()))) == (2, 3)


def many(count: int) -> Iterator[list[Any]]:
    return ([cell(f"row {i}"), i, NOON] for i in range(count))


@pytest.mark.parametrize("write", ["csv", "xlsx"])
def test_memory_does_not_grow_with_rows(write):
    def peak(count: int) -> int:
        tracemalloc.start()
        if write == "csv":
            for _ in csv_lines(COLUMNS, many(count)):
                pass
        else:
            write_xlsx(COLUMNS, many(count), "A sheet")[0].close()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)

    assert peak(20_000) < 2 * peak(4_000) + 100_000


@pytest.mark.parametrize(("taken", "end"), [(3, (3, True)), (1, (1, False))])
def test_the_end_is_told_how_many_there_were(taken, end):
    ends = []
    rows = iter(Counted(many(3), lambda count, is_complete: ends.append((count, is_complete))))

    found = list(islice(rows, taken))
    if taken == 3:
        list(rows)
    else:
        rows.close()

    assert len(found) == taken
    assert ends == [end]


def test_times_of_any_zone_are_told_in_utc():
    assert exporting.in_csv(NOON) == "2026-11-20T12:00:00+00:00"
    assert read_xlsx([["", 1, NOON]])[1][2] == NOON.astimezone(UTC).replace(tzinfo=None)
