"""A report's table as the page shows it: figures with what they were before, names with where they lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dispatch.health.rows import CONVERSION, RECORDED, span_of
from dispatch.reports.asking import Question
from dispatch.reports.columns import BY_KEY, NO_CURRENCY, Figure, Kind, Number, chosen, unconverted
from dispatch.reports.currencies import Converter
from dispatch.reports.dimensions import DIMENSIONS
from dispatch.reports.figures import MONEY, Sums
from dispatch.reports.names import Names, in_address
from dispatch.reports.periods import Period
from dispatch.reports.query import Answer, Line

LISTED = frozenset({"offer", "event", "day"})
"""What the list of conversions can be filtered by."""
TENFOLD = 10


@dataclass(frozen=True)
class Cell:
    """One figure: the number, what has no rate, and the change against the days before."""

    label: str
    value: str
    others: Sequence[str] = ()
    change: str = ""
    before: str = ""
    is_key: bool = False

    @property
    def html(self) -> SafeString:
        """The cell of the table; a template's own include would take longer than the queries."""
        notes = [format_html(NOTE, other) for other in self.others]
        if self.change:
            notes.append(format_html(CHANGE, self.before, self.change))
        return format_html('<td class="number">{}{}</td>', self.value, SafeString("".join(notes)))


NOTE = '<span class="report-note">{}</span>'
CHANGE = '<span class="report-note" title="Before: {}">{}</span>'


@dataclass(frozen=True)
class Row:
    """One line: names with the address that looks into each, its figures, and where its conversions are."""

    names: Sequence[tuple[str, str]]
    cells: Sequence[Cell]
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Heading:
    label: str
    help: str
    query: str
    direction: str = ""


@dataclass
class Table:
    """Everything the template shows of an answer."""

    question: Question
    answer: Answer
    rates: Converter
    names: Names
    may_see_rows: bool = False

    @cached_property
    def figures(self) -> list[Figure]:
        return chosen(self.question.robots)

    @cached_property
    def headings(self) -> list[Heading]:
        keys = [DIMENSIONS[key].label for key in self.question.by]
        first = [self.heading("key", label, "") for label in keys[:1]] + [Heading(label, "", "") for label in keys[1:]]
        return first + [self.heading(figure.key, self.titled(figure), figure.help) for figure in self.figures]

    def titled(self, figure: Figure) -> str:
        is_money = figure.kind in (Kind.MONEY, Kind.SMALL_MONEY)
        return f"{figure.label} ({self.question.currency})" if is_money else figure.label

    def heading(self, key: str, label: str, words: str) -> Heading:
        """A click sorts by it, the largest first; another one turns the order."""
        now = self.question.sort
        wanted = {"key": "-key" if now == "key" else "key"}.get(key, key if now == f"-{key}" else f"-{key}")
        direction = "ascending" if now == key else "descending" if now == f"-{key}" else ""
        return Heading(label, words, self.question.query(sort=wanted), direction)

    @cached_property
    def rows(self) -> list[Row]:
        return [self.row(line) for line in in_order(self)]

    @cached_property
    def totals(self) -> list[Cell]:
        return self.cells(self.answer.whole)

    @cached_property
    def others(self) -> list[Cell]:
        return self.cells(self.answer.others) if self.answer.others else []

    def row(self, line: Line) -> Row:
        values = list(zip(self.question.by, line.key, strict=True))
        named = [(self.names.of(key, value, self.question.zone), self.leads(key, value)) for key, value in values]
        return Row(named, self.cells(line), self.links(dict(values)))

    def leads(self, key: str, value: Any) -> str:
        return "" if key == "hour" else self.question.about(key, in_address(value))

    def cells(self, line: Line) -> list[Cell]:
        return [self.cell(figure, line) for figure in self.figures]

    def cell(self, figure: Figure, line: Line) -> Cell:
        value = figure.read(line.sums, self.rates)
        before = figure.read(line.before, self.rates) if line.before else None
        others = [f"+ {money(amount)} {currency or NO_CURRENCY}" for currency, amount in self.left(figure, line.sums)]
        is_compared = line.before is not None and not others
        change = change_of(value, before) if is_compared else ""
        return Cell(
            self.titled(figure), shown(figure, value), others, change, shown(figure, before) if change else "",
            figure.key in ("clicks", "sales", "payout"),
        )  # fmt: skip

    def left(self, figure: Figure, sums: Sums) -> list[tuple[str, Decimal]]:
        return sorted(unconverted(figure, sums, self.rates).items())

    def links(self, values: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Where a line leads beside the report: its conversions, and what explains other people's figures."""
        rows = self.rows_link(values) if self.may_see_rows else ""
        found = [("Its conversions", rows)] if rows else []
        if self.question.by == ("offer",):
            query = self.question.query(offer=values["offer"])
            found += [
                ("The network's figures", f"{reverse('admin:dispatch_report_network')}?{query}"),
                ("TikTok's figures", f"{reverse('admin:dispatch_report_tiktok')}?{query}"),
            ]
        return found

    def rows_link(self, values: Mapping[str, Any]) -> str:
        """The conversions behind a line; empty where their list has no such filter."""
        wanted = {**self.question.filters, **values}
        if wanted.keys() - LISTED:
            return ""
        day, zone = values.get("day"), self.question.zone
        period = Period(day, day, zone) if day else self.question.period
        known = {"offer": "offer__id__exact", "event": "event"}
        chosen_by = {name: wanted[key] for key, name in known.items() if key in wanted}
        return conversions_url(period.since, period.until, **chosen_by)

    @cached_property
    def without_rate(self) -> list[str]:
        """What is in no sum for want of a rate, in words."""
        found = []
        for key in MONEY:
            figure = BY_KEY[key]
            for currency, amount in self.left(figure, self.answer.whole.sums):
                found.append(f"{figure.label} of {money(amount)} {currency or NO_CURRENCY}")
        return found


def conversions_url(since: datetime, until: datetime, **chosen_by: Any) -> str:
    """The list of what was recorded in these half-hours, by more filters of its own; tests are in no report."""
    span = span_of(RECORDED[CONVERSION], since, until)
    return reverse(f"admin:{CONVERSION}_changelist", query={**span, "test": "no", **chosen_by})


def in_order(table: Table) -> list[Line]:
    """The lines by the column that the reader chose; what has no figure there comes last."""
    lines, sort, question = table.answer.lines, table.question.sort, table.question
    key, is_down = sort.removeprefix("-"), sort.startswith("-")
    if key == "key":
        if DIMENSIONS[question.by[0]].is_time:
            return sorted(lines, key=lambda line: (line.key[0], *map(str, line.key[1:])), reverse=is_down)
        zone = question.zone
        named = [([table.names.of(k, v, zone).casefold() for k, v in zip(question.by, line.key, strict=True)], line)
                 for line in lines]  # fmt: skip
        return [line for _, line in sorted(named, key=lambda pair: pair[0], reverse=is_down)]
    read = BY_KEY[key].read
    known = [(read(line.sums, table.rates), line) for line in lines]
    counted = sorted((p for p in known if p[0] is not None), key=lambda p: p[0] or 0, reverse=is_down)
    return [line for _, line in [*counted, *(pair for pair in known if pair[0] is None)]]


def shown(figure: Figure, value: Number) -> str:
    if value is None:
        return "–"
    if figure.kind == Kind.COUNT:
        return f"{value:,}"
    if figure.kind == Kind.SHARE:
        return f"{value * 100:.2f}\N{NO-BREAK SPACE}%"
    return f"{value:,.3f}" if figure.kind == Kind.SMALL_MONEY else money(Decimal(value))


def money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def change_of(value: Number, before: Number) -> str:
    """The difference in percent of what it was, from tenfold on how many times it is; empty where nothing was."""
    if value is None or before is None or not (value or before):
        return ""
    if not before:
        return "new"
    if (times := Decimal(value) / Decimal(before)) >= TENFOLD:
        return f"{times:,.0f}\N{NO-BREAK SPACE}times"
    percent = (Decimal(value) - Decimal(before)) / abs(Decimal(before)) * 100
    return "±0\N{NO-BREAK SPACE}%" if abs(percent) < Decimal("0.5") else f"{percent:+,.0f}\N{NO-BREAK SPACE}%"
