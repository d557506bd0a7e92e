"""The charts above a report: clicks, sales and payout over the period, each by its own measure."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dispatch.admin.charts import Chart, bars, drawn
from dispatch.admin.report_table import Table
from dispatch.reports.columns import payout_of
from dispatch.reports.figures import Sums
from dispatch.rollups.slots import days_between

HOUR = timedelta(hours=1)
CENT = Decimal("0.01")


def charts_of(table: Table) -> list[Chart]:
    """Nothing where nothing happened."""
    if not table.answer.timeline:
        return []
    payout = f"Payout ({table.question.currency})"
    return [
        chart(table, "Clicks", lambda sums: sums.clicks),
        chart(table, "Sales", lambda sums: sums.sales),
        chart(table, payout, lambda sums: float(payout_of(sums, table.rates).quantize(CENT))),
    ]


def chart(table: Table, title: str, read: Callable[[Sums], float]) -> Chart:
    known = dict(table.answer.timeline)
    moments = list(moments_of(table))
    values = [read(known.get(moment, Sums())) for moment in moments]
    data = drawn([label_of(table, moment) for moment in moments], bars(title, values), ticks=8)
    by = f"by {table.answer.unit}"
    words = f"{title} {by}, from {min(values):,} to {max(values):,}; the table says the sums."
    return Chart(f"{title} {by}{of_utc(table)}", data, words)


def of_utc(table: Table) -> str:
    return "" if table.answer.starts == table.question.zone else " of UTC"


def moments_of(table: Table) -> Iterator[Any]:
    """Every hour or day of the period, also those without anything in them."""
    period = table.question.period
    if table.answer.unit == "day":
        yield from days_between(period.since, period.until, table.answer.starts)
        return
    moment = period.since
    while moment < period.until:
        yield moment
        moment += HOUR


def label_of(table: Table, moment: Any) -> str:
    if isinstance(moment, datetime):
        return f"{moment.astimezone(table.question.zone):%-d %b %H:%M}"
    return f"{moment:%-d %b}"
