"""Whether there is as much as there was at the same hours of past days, and whether a sale is worth what it was."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median_low

from django.db.models import Count, F, FloatField, Sum
from django.db.models.functions import Cast

from dispatch.findings import limits
from dispatch.findings.finding import Code, Finding
from dispatch.findings.limits import DAY, VALUE_BEFORE
from dispatch.findings.sight import Sight, found, health_page, same_hours
from dispatch.health.targets import percent
from dispatch.models import OfferSlot
from dispatch.rollups.slots import slot_of
from dispatch.wording import in_words
from offers.models import Offer

SALES = sum((F(name) for name in OfferSlot.STATUSES[2:]), F("pending"))  # all but what only a page has told of
LOOK = {
    "clicks": "Look whether the ads run, and whether the tracking link and the landing page open.",
    "sales": "Look whether the landing page and the offer open, and whether the network reports its sales.",
}
Counts = dict[int, list[int]]  # by offer: of the hours just past, then of the same hours of each day before


def dropped(sight: Sight) -> Iterator[Finding]:
    """Active offers with far fewer clicks or sales in the last full hours than in the same hours of most past days."""
    ends_at = slot_of(sight.now)
    clicks, sales, robots = volumes(ends_at)
    for offer in sight.offers.values():
        drops = [
            of_drop(offer, "clicks", clicks[offer.pk], limits.VOLUME_CLICKS, ends_at, robots[offer.pk][0]),
            of_drop(offer, "sales", sales[offer.pk], limits.VOLUME_SALES, ends_at),
        ]
        yield from [each for each in drops if each][:1]  # without clicks there are no sales


def of_drop(
    offer: Offer, name: str, counts: list[int], least: int, ends_at: datetime, robots: int = 0
) -> Finding | None:
    """`counts` are those of the hours that have just ended, then those of each day before."""
    now, before = counts[0], since_it_began(counts[1:])
    usual = median_low(before) if len(before) >= limits.VOLUME_DAYS_KNOWN else 0
    if usual < least or now >= limits.VOLUME_SHARE * usual:
        return None
    instead = f", but {robots:,} of robots" if robots > now else ""
    words = (
        f"In the {in_words(limits.VOLUME_SPAN)} until {ends_at:%H:%M} UTC there were {now:,} {name}{instead}; in the "
        f"same hours of the {len(before)} days before, usually {usual:,.0f}. {LOOK[name]}"
    )
    title = f"{offer} has far fewer {name} than usual at this time"
    target = f"{limits.VOLUME_SHARE * usual:,.0f} or more"
    more = {"link": health_page(offer), "do": "See the figures", "detail": name, "target": target}
    return found(Code.VOLUME_DROP, offer, "warn", title, words, value=f"{now:,}", **more)


def since_it_began(days: list[int]) -> list[int]:
    """Without the days before its first one; the youngest comes first."""
    last = max((number for number, count in enumerate(days, 1) if count), default=0)
    return days[:last]


def volumes(ends_at: datetime) -> tuple[Counts, Counts, Counts]:
    """Clicks, sales and robots of the hours that ended then and of those a day before that, and so on; one query."""
    day_of = same_hours(ends_at, limits.VOLUME_SPAN)
    rows = OfferSlot.objects.filter(starts_at__in=list(day_of)).order_by().values_list("offer_id", "starts_at")
    sums = rows.annotate(visits=Sum("clicks"), sold=Sum(SALES), bots=Sum("robots"))
    clicks, sales, robots = counts_of_days(), counts_of_days(), counts_of_days()
    for offer, starts_at, *counts in sums:
        for table, count in zip((clicks, sales, robots), counts, strict=True):
            table[offer][day_of[starts_at]] += count
    return clicks, sales, robots


def counts_of_days() -> Counts:
    return defaultdict(lambda: [0] * (limits.VOLUME_DAYS + 1))


def revalued(sight: Sight) -> Iterator[Finding]:
    """Active offers whose sales of the last day, or hours, are worth clearly more or less than those before."""
    day = slot_of(sight.now - DAY)
    before, told = paid(day - VALUE_BEFORE, day, limits.VALUE_SALES), set()
    for span, least, change in limits.VALUE_OF:
        for key, new in paid(slot_of(sight.now - span), sight.now, least).items():
            usual, offer = before.get(key), sight.offers.get(key[0])
            if offer and usual and key not in told and is_another(usual, new, change):
                told.add(key)
                yield of_value(offer, key[1], Decimal(new.average), Decimal(usual.average), span, change)


@dataclass(frozen=True)
class Paid:
    """What sales paid; `squares` are the sums of some at a time, squared and divided by their number, of `parts`."""

    total: float
    sold: int
    squares: float
    parts: int

    @property
    def average(self) -> float:
        return self.total / self.sold

    @property
    def deviation(self) -> float:
        """By how much single sales differ, as far as the parts tell (standard deviation)."""
        spread = self.squares - self.total * self.average
        return math.sqrt(max(0.0, spread) / (self.parts - 1)) if self.parts > 1 else 0.0


def is_another(usual: Paid, new: Paid, change: float) -> bool:
    """Whether the averages differ by this share, and by more than sales that differ among themselves may by chance."""
    by_chance = limits.VALUE_ERRORS * usual.deviation * math.sqrt(1 / new.sold + 1 / usual.sold)
    return usual.total > 0 and abs(new.average - usual.average) > max(change * usual.average, by_chance)


def paid(since: datetime, until: datetime, least: int) -> dict[tuple[int, str], Paid]:
    """By offer and currency, where so many were sold; one query."""
    slots = OfferSlot.objects.filter(starts_at__gte=since, starts_at__lt=until).order_by()
    sold, total = F("approved") + F("partial"), Cast("payout", FloatField())
    rows = slots.annotate(sold=sold, total=total).filter(sold__gt=0).values_list("offer_id", "currency")
    sums = rows.annotate(
        all_paid=Sum("total"), all_sold=Sum("sold"), squares=Sum(F("total") * F("total") / F("sold")), parts=Count("pk")
    )
    return {(key, money): Paid(*of) for key, money, *of in sums if of[1] >= least}


def of_value(offer: Offer, currency: str, average: Decimal, usual: Decimal, span: timedelta, limit: float) -> Finding:
    change = f"{'+' if average > usual else '−'}{percent(abs(float((average - usual) / usual)))}"
    words = (
        f"A sale of the last {in_words(span)} pays {average:,.2f} {currency} on average, one of the "
        f"{in_words(VALUE_BEFORE)} before {usual:,.2f} {currency} ({change}). Compare with the network's terms; TikTok "
        "optimises for what it is told."
    )
    title = f"The value of a sale of {offer} has changed: {change}"
    target = f"at most {percent(limit)} up or down"
    more = {"link": health_page(offer), "do": "See the figures", "detail": currency, "target": target}
    return found(Code.VALUE_UNSTABLE, offer, "warn", title, words, value=f"{average:,.2f} {currency}", **more)
