"""What the pages of health share: whose they are, badges, charts, and the words about when the sums were made."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.template.defaultfilters import date as format_date
from django.urls import reverse
from django.utils.safestring import SafeString

from dispatch.findings.finding import Scope
from dispatch.health.figures import Figures
from dispatch.health.periods import PERIODS, Period
from dispatch.health.targets import NBSP, Target
from dispatch.rollups.keeping import as_of
from dispatch.rollups.rechecking import filled_to
from dispatch.wording import at
from offers.admin_parts import badge
from offers.models import Network, Offer, Pixel

VIEW = "dispatch.view_health"
SUBJECTS: dict[Scope, type[models.Model]] = {Scope.OFFER: Offer, Scope.NETWORK: Network, Scope.PIXEL: Pixel}
OVERVIEW, OF_ONE = "admin:conversions_conversion_health", "admin:conversions_conversion_health_of"
NOT_MADE = (
    "The sums have not been made yet, so there are no figures. The workers make them every minute: start them with "
    "manage.py run_workers."
)
UNITS = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")]
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Switch:
    """One way to see the page differently."""

    label: str
    url: str
    is_chosen: bool


def overview_url(scope: str = "", **chosen: str) -> str:
    return reverse(OVERVIEW, query={"scope": scope, **chosen} if scope else None)


def health_url(scope: str, subject: int, period: str = "") -> str:
    """The page of one offer, network or pixel."""
    return reverse(OF_ONE, args=[scope, subject], query={"period": period} if period else None)


def period_switches(chosen: Period, url: Callable[[str], str]) -> list[Switch]:
    return [Switch(each.words, url(each.name), each == chosen) for each in PERIODS.values()]


def figure_badge(target: Target, figures: Figures, is_short: bool = False) -> str | SafeString:
    """The value in the colour of its target; a dash where there is none."""
    value = target.read(figures)
    if value is None:
        return "–"
    is_span = is_short and target.unit == "seconds"
    return badge(short_span(value) if is_span else target.shown(value), target.tone(figures))


def short_span(seconds: float) -> str:
    """For narrow columns: “13 s”, “12 min”, “5 h”."""
    size, unit = next((size, unit) for size, unit in UNITS if seconds >= 2 * size or size == 1)
    return f"{round(seconds / size):,}{NBSP}{unit}"


def sums_words(since: datetime, now: datetime) -> str:
    """How recent the figures are, and whether those of the whole time are there yet."""
    moment, filled = as_of(), filled_to()
    if moment is None:
        return NOT_MADE
    missing = f" Those before {at(filled, now)} are still being made." if filled and filled > since else ""
    return f"The sums are as of {at(moment, now)}.{missing}"


def moment_labels(moments: list[datetime], period: Period) -> list[str]:
    shape = "j M" if period.is_by_day else "H:i" if period.span <= A_DAY else "j M, H:i"
    return [format_date(moment, shape) for moment in moments]


def charted(target: Target, figures: Figures) -> float | None:
    """The value in the unit of its chart: percent, or seconds."""
    value = target.read(figures)
    return None if value is None else round(value * 100, 1) if target.unit == "share" else round(value, 1)
