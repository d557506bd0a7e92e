"""How many sales were taken back, and of how many: what the ledger has noted lately, beside the sums of all sales."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from itertools import accumulate
from typing import Any, NamedTuple

from django.db.models import Case, Count, Exists, F, FloatField, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Cast, TruncDate

from conversions.models import Conversion, LedgerEntry
from dispatch.findings.limits import DAY, TAKEN_BACK_AGE, TAKEN_BACK_CASES, TAKEN_BACK_SPAN
from dispatch.models import OfferSlot
from dispatch.rollups.slots import slot_of

Kind, Status = LedgerEntry.Kind, Conversion.Status
TAKEN = (Kind.REFUND, Kind.PARTIAL, Kind.CHARGEBACK)
SUMS = ("approved", "partial", "refunded", "chargeback")
UNKNOWN_SHARE = 0.5  # of a partial refund that names no money of its own
ROUNDING = 1e-9
Key = tuple[int, str]
"""An offer, and the event that its sales are told as."""


@dataclass(frozen=True)
class Sales:
    """What the network has approved, by what became of it since.

    `worth` is how much of those refunded in part was given back, in whole sales.
    """

    approved: int = 0
    in_part: int = 0
    refunded: int = 0
    charged_back: int = 0
    rejected: int = 0
    worth: float = 0.0

    def __add__(self, other: "Sales") -> "Sales":
        return Sales(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def sold(self) -> int:
        return self.approved + self.in_part + self.refunded + self.charged_back + self.rejected

    @property
    def taken_back(self) -> float:
        """In whole sales."""
        return self.refunded + self.charged_back + self.rejected + min(self.worth, self.in_part)

    @property
    def share(self) -> float:
        return self.taken_back / self.sold if self.sold else 0.0


class Spans(NamedTuple):
    """From when on a sale is one of the last day, or of the last days, and how old one may be to be looked at."""

    day: datetime
    days: datetime
    oldest: datetime

    @classmethod
    def until(cls, now: datetime) -> "Spans":
        return cls(*(slot_of(now - span) for span in (DAY, TAKEN_BACK_SPAN, TAKEN_BACK_AGE)))


class Noted(NamedTuple):
    """What the ledger says of sales of one offer, event and day in UTC: how many are so now, worth how much.

    `since` names the youngest of the Spans that they are in.
    """

    offer: int
    event_name: str
    since: str
    day: date
    status: str
    number: int
    worth: float

    @property
    def taken_back(self) -> float:
        """In whole sales."""
        return min(self.worth, self.number) if self.status == Status.PARTIAL else self.number

    @property
    def sales(self) -> Sales:
        """What the sums by half-hour do not tell apart."""
        if self.status == Status.PARTIAL:
            return Sales(worth=self.taken_back)
        return Sales(rejected=self.number) if self.status == Status.REJECTED else Sales()


def noted(spans: Spans, now: datetime) -> list[Noted]:
    """What was taken back of the sales of the last days, and within a day of older ones; one query along an index.

    A rejection counts where the network had approved the sale before: else there was nothing to take back.
    """
    is_young, is_new = Q(conversion__created_at__gte=spans.days), Q(created_at__gt=now - DAY)
    rows = LedgerEntry.objects.filter(is_young | is_new, created_at__gte=spans.days).order_by()
    rows = rows.filter(conversion__created_at__gte=spans.oldest, conversion__is_test=False)
    approved = Exists(LedgerEntry.objects.filter(conversion=OuterRef("conversion"), kind=Kind.SALE))
    rejected = rows.filter(approved, kind=Kind.REJECTION, conversion__status=Status.REJECTED)
    taken = rows.filter(kind__in=TAKEN).exclude(conversion__status=Status.REJECTED)
    return [Noted(*values) for values in by_day(taken, spans).union(by_day(rejected, spans), all=True)]


def by_day(rows: "QuerySet[LedgerEntry]", spans: Spans) -> "QuerySet[Any, Any]":
    day = TruncDate("conversion__created_at", tzinfo=UTC)
    named = rows.annotate(since=since(spans), sold_on=day)
    whose = ("conversion__offer_id", "conversion__event_name", "since", "sold_on", "conversion__status")
    return named.values_list(*whose).annotate(sales=Count("conversion", distinct=True), worth=Sum(SHARE))


def since(spans: Spans) -> Case:
    names = [When(conversion__created_at__gte=getattr(spans, name), then=Value(name)) for name in ("day", "days")]
    return Case(*names, default=Value("oldest"))


def decimal(name: str) -> Cast:
    return Cast(F(name), FloatField())


SHARE = Case(
    When(
        payout__isnull=False, conversion__payout__gt=0, currency=F("conversion__currency"),
        then=-decimal("payout") / decimal("conversion__payout"),
    ),
    default=Value(UNKNOWN_SHARE),
    output_field=FloatField(),
)  # fmt: skip
"""How much of its sale an entry takes back."""


def of_last_days(spans: Spans, now: datetime, told: Iterable[Noted]) -> dict[str, dict[Key, Sales]]:
    """The sales of the last day and those of the last days; one query."""
    found: dict[str, dict[Key, Sales]] = {name: defaultdict(Sales) for name in ("day", "days")}
    slots = OfferSlot.objects.filter(starts_at__gte=spans.days, starts_at__lt=now).order_by()
    of_day = {f"new_{name}": Sum(name, filter=Q(starts_at__gte=spans.day), default=0) for name in SUMS}
    of_days = {f"all_{name}": Sum(name) for name in SUMS}
    for offer, event_name, *sums in slots.values_list("offer_id", "event_name").annotate(**of_day, **of_days):
        found["day"][offer, event_name] = Sales(*sums[: len(SUMS)])
        found["days"][offer, event_name] = Sales(*sums[len(SUMS) :])
    for each in told:
        for name in {"day": ("day", "days"), "days": ("days",)}.get(each.since, ()):
            found[name][each.offer, each.event_name] += each.sales
    return found


def of_older_days(told: Iterable[Noted], spans: Spans) -> dict[Key, tuple[date, date, Sales]]:
    """All sales of the days that most of what was just taken back is of, with the first and the last of these days.

    One query; none where too few were taken back to say anything.
    """
    told = [each for each in told if each.since == "oldest"]
    days = most_days(told)
    sales: dict[Key, Sales] = defaultdict(Sales)
    for offer, event_name, day, *sums in sums_by_day(days, spans):
        if is_among(days, (offer, event_name), day):
            sales[offer, event_name] += Sales(*sums)
    for each in told:
        if is_among(days, (each.offer, each.event_name), each.day):
            sales[each.offer, each.event_name] += each.sales
    return {key: (*days[key], sales[key]) for key in sales}


def most_days(told: Iterable[Noted]) -> dict[Key, tuple[date, date]]:
    """From the first to the last day of the middle half: a stray refund does not set whole months beside a bad day."""
    by_key: dict[Key, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for each in told:
        by_key[each.offer, each.event_name][each.day] += each.taken_back
    enough = {key: days for key, days in by_key.items() if sum(days.values()) >= TAKEN_BACK_CASES}
    return {key: (reached(days, 0.25), reached(days, 0.75)) for key, days in enough.items()}


def reached(days: Mapping[date, float], share: float) -> date:
    """The day on which this share of them was reached."""
    ordered, wanted = sorted(days), share * sum(days.values())
    totals = accumulate(days[day] for day in ordered)
    return next(day for day, total in zip(ordered, totals, strict=True) if total >= wanted - ROUNDING)


def is_among(days: Mapping[Key, tuple[date, date]], key: Key, day: date) -> bool:
    return key in days and days[key][0] <= day <= days[key][1]


def sums_by_day(days: Mapping[Key, tuple[date, date]], spans: Spans) -> Iterable[tuple[Any, ...]]:
    """Of their offers, by event and day in UTC."""
    if not days:
        return []
    first = min(first for first, _ in days.values())
    slots = OfferSlot.objects.filter(offer__in={offer for offer, _ in days}, starts_at__lt=spans.days).order_by()
    of_days = slots.filter(starts_at__gte=midnight(first)).annotate(day=TruncDate("starts_at", tzinfo=UTC))
    return of_days.values_list("offer_id", "event_name", "day").annotate(*(Sum(name) for name in SUMS))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
