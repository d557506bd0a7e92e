"""Today's numbers for the first page, beside yesterday's up to the same time: sums of half-hours, no row is counted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from dispatch.admin.charts import Chart, bars, drawn
from dispatch.models import OfferSlot
from dispatch.models.rollup import SLOT

HOURS = 24
SOLD = ("pending", "approved", "partial")
COUNTED = ("clicks", *SOLD, "accepted", "sent")


@dataclass
class Day:
    """What was recorded from one midnight on, by the hour of the clock; up to `until` what `so_far` speaks of."""

    clicks: Counter[int] = field(default_factory=Counter)
    sales: Counter[int] = field(default_factory=Counter)
    so_far: Counter[str] = field(default_factory=Counter)
    payout: dict[str, Decimal] = field(default_factory=dict)

    def add(self, row: dict[str, Any], hour: int, is_so_far: bool) -> None:
        """Take one half-hour in."""
        sales = sum(row[name] for name in SOLD)
        self.clicks[hour] += row["clicks"]
        self.sales[hour] += sales
        if is_so_far:
            self.so_far.update({"sales": sales, **{name: row[name] for name in COUNTED}})
            if row["payout"]:
                self.payout[row["currency"]] = self.payout.get(row["currency"], Decimal(0)) + row["payout"]


@dataclass(frozen=True)
class Figure:
    """One number of today; `note` says how it compares, `link` leads to its rows."""

    name: str
    shown: str
    link: str
    note: str = ""


def midnight(now: datetime) -> datetime:
    """When today began on the site's clock."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def days(now: datetime) -> tuple[Day, Day]:
    """Today and yesterday, in one query."""
    begins = midnight(now)
    began_yesterday = midnight(begins - timedelta(hours=1))
    today, yesterday = Day(), Day()
    slots = OfferSlot.objects.filter(starts_at__gte=began_yesterday).order_by()
    rows: Any = slots.values("starts_at", "currency").annotate(**{name: Sum(name) for name in (*COUNTED, "payout")})
    for row in rows:
        is_today = row["starts_at"] >= begins
        passed = row["starts_at"] - (begins if is_today else began_yesterday)
        hour = timezone.localtime(row["starts_at"]).hour
        (today if is_today else yesterday).add(row, hour, is_today or passed + SLOT <= now - begins)
    return today, yesterday


def figures(today: Day, yesterday: Day) -> Iterator[tuple[str, Figure]]:
    """Each with the permission that it needs."""
    yield "conversions.view_click", counted("Clicks today", "clicks", today, yesterday, "conversions_click")
    yield "conversions.view_conversion", counted("Sales today", "sales", today, yesterday, "conversions_conversion")
    yield "dispatch.view_report", payout(today, yesterday)
    yield "dispatch.view_delivery", accepted(today)


def counted(name: str, what: str, today: Day, yesterday: Day, model: str) -> Figure:
    link = reverse(f"admin:{model}_changelist")
    return Figure(name, f"{today.so_far[what]:,}", link, f"{yesterday.so_far[what]:,} yesterday by this time")


def accepted(today: Day) -> Figure:
    link = f"{reverse('admin:dispatch_delivery_changelist')}?status__exact=accepted"
    sent, taken = today.so_far["sent"], today.so_far["accepted"]
    return Figure("Accepted by TikTok today", f"{taken:,}", link, f"of {sent:,} that were sent" if sent else "")


def payout(today: Day, yesterday: Day) -> Figure:
    """The largest sum, and the others small: the first page knows no reader's currency."""
    link = reverse("admin:dispatch_report_changelist")
    largest, *others = money(today.payout) or ["–"]
    before = money(yesterday.payout)
    note = f"and {', '.join(others)}" if others else f"{before[0]} yesterday by this time" if before else ""
    return Figure("Payout today", largest, link, note)


def money(sums: dict[str, Decimal]) -> list[str]:
    """Each currency's sum, the largest number first."""
    return [f"{value:,.2f} {currency}" for currency, value in sorted(sums.items(), key=lambda each: -each[1])]


def charts(today: Day, yesterday: Day) -> list[Chart]:
    """Clicks and sales by the hour, today's beside yesterday's; none while there is nothing to draw."""
    pairs = [("Clicks", today.clicks, yesterday.clicks), ("Sales", today.sales, yesterday.sales)]
    return [chart(title, *pair) for title, *pair in pairs if any(each.total() for each in pair)]


def chart(title: str, today: Counter[int], yesterday: Counter[int]) -> Chart:
    of_both = bars("Yesterday", by_hour(yesterday), "base-400"), bars("Today", by_hour(today))
    data = drawn([f"{hour:02}:00" for hour in range(HOURS)], *of_both, ticks=8)
    words = f"{title} by hour: {today.total():,} today, {yesterday.total():,} on the whole of yesterday."
    return Chart(f"{title} by hour", data, words)


def by_hour(counts: Counter[int]) -> list[int]:
    return [counts[hour] for hour in range(HOURS)]
