"""A report as a file: the figures in full, and whose days and which currency they are in."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from django.http import HttpRequest, HttpResponseBase

from conversions.admin.export import answered, note, note_end
from conversions.exporting import Cell, Column, Counted, cell
from dispatch import clock
from dispatch.admin.report_table import Table, in_order
from dispatch.models.rollup import Report
from dispatch.reports.columns import BY_KEY, NO_CURRENCY, Kind
from dispatch.reports.dimensions import DIMENSIONS, GIVEN_NOT
from dispatch.reports.figures import MONEY, Sums
from dispatch.reports.names import plain
from dispatch.reports.query import Line

OTHERS, ALL = "(all others)", "(total)"


def download(request: HttpRequest, table: Table) -> HttpResponseBase:
    """The file, with its total as the last row. Who took it is in the history like every export."""
    kind = "xlsx" if request.POST.get("format") == "xlsx" else "csv"
    columns = [Column(header, "") for header in headers_of(table)]
    entry = note(request, Report, kind, with_personal=False)
    rows = iter(Counted(rows_of(table), partial(note_end, entry)))
    return answered(f"report-{clock.now():%Y-%m-%d-%H%M}.{kind}", "Report", columns, rows)


def headers_of(table: Table) -> list[str]:
    """With the time zone and the currency in them."""
    question = table.question
    zone = question.zone.key
    groups = [DIMENSIONS[key] for key in question.by]
    first = [f"{group.label} ({zone})" if group.is_time else group.label for group in groups]
    figures = [table.titled(figure) for figure in table.figures]
    before = [f"{label}, period before" for label in figures] if question.before else []
    return [*first, *figures, *left_out(table), *before, f"First day ({zone})", f"Last day ({zone})"]


def left_out(table: Table) -> list[str]:
    """Columns for money that has no rate into the reader's currency."""
    lost = without_rate(table)
    return [f"{BY_KEY[name].label} ({currency or NO_CURRENCY}), not converted" for currency, name in lost]


def without_rate(table: Table) -> list[tuple[str, str]]:
    lost = [currency for currency in table.answer.currencies if table.rates.rate(currency) is None]
    return [(currency, name) for currency in lost for name in MONEY]


def rows_of(table: Table) -> Iterator[list[Cell]]:
    question, answer = table.question, table.answer
    blank = [""] * (len(question.by) - 1)
    for line in in_order(table):
        yield [*map(cell, keys_of(table, line)), *numbers_of(table, line)]
    if answer.others:
        yield [OTHERS, *blank, *numbers_of(table, answer.others)]
    yield [ALL, *blank, *numbers_of(table, answer.whole)]


def keys_of(table: Table, line: Line) -> Iterator[str]:
    zone = table.question.zone
    for key, value in zip(table.question.by, line.key, strict=True):
        if DIMENSIONS[key].is_time:
            yield plain(key, value, zone)
        else:
            yield table.names.of(key, value, zone) or GIVEN_NOT


def numbers_of(table: Table, line: Line) -> Iterator[Cell]:
    yield from figures_of(table, line.sums)
    yield from (getattr(line.sums, name)[currency] for currency, name in without_rate(table))
    if table.question.before:
        yield from figures_of(table, line.before) if line.before else [None] * len(table.figures)
    period = table.question.period
    yield from (str(period.first), str(period.last))


def figures_of(table: Table, sums: Sums) -> Iterator[Cell]:
    """In full; shares as the fractions that they are."""
    for figure in table.figures:
        value = figure.read(sums, table.rates)
        is_exact = not isinstance(value, Decimal) or figure.kind == Kind.COUNT
        yield value if is_exact or value is None else Decimal(value).normalize() + 0
