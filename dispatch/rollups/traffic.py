"""What is counted for reports: of a half-hour of an offer, and of each of its sources."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet

from conversions.models import Click
from dispatch.models import Delivery, Source
from dispatch.models.rollup import Traffic
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.prepared import prepared
from dispatch.rollups.promises import Promise
from dispatch.rollups.reported import Reported

OF_TRAFFIC = (*Traffic.COUNTS, *Traffic.MONEY)
OF_OFFER = ("doubles", "expected", "unreported")
Status = Delivery.Status
DAY = timedelta(days=1)  # a network has its time to report what a page has told of
Sums = dict[str, Any]
Key = tuple[Any, ...]


@dataclass
class Sent:
    """The keys of conversions that were sent, and of those that TikTok has accepted."""

    sent: set[int] = field(default_factory=set)
    accepted: set[int] = field(default_factory=set)

    @classmethod
    def by(cls, promises: Iterable[Promise]) -> "Sent":
        """By their deliveries."""
        found = cls()
        for promise in promises:
            if promise.first_sent_at or promise.accepted_at:
                found.sent.add(promise.conversion)
            if promise.status == Status.ACCEPTED:
                found.accepted.add(promise.conversion)
        return found


def no_sums() -> Sums:
    return {**dict.fromkeys((*Traffic.COUNTS, *OF_OFFER), 0), **dict.fromkeys(Traffic.MONEY, Decimal(0))}


def sums_of_sources(bucket: Bucket, conversions: Iterable[Reported], sent: Sent) -> dict[Key, Sums]:
    """By source, event and currency; clicks stand without the latter two. One query."""
    found: dict[Key, Sums] = defaultdict(no_sums)
    for *source, people, robots in clicks(bucket):
        found[tuple(source), "", ""].update(clicks=people, robots=robots)
    needs_both = bucket.events(of_pages=True) & bucket.events(of_pages=False)
    for each in conversions:
        sums = found[each.source, each.event_name, each.currency]
        add(sums, each, sent)
        add_to_offer(sums, each, bucket, needs_both)
    return found


@prepared
def clicks(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Each source with its clicks, those of people and those of robots."""
    rows = Click.objects.filter(**bucket.during).order_by().values_list(*Source.DIMENSIONS)
    return rows.annotate(people=Count("pk", filter=Q(robot="")), robots=Count("pk", filter=~Q(robot="")))


def add(sums: Sums, each: Reported, sent: Sent) -> None:
    sums[each.status] += 1
    sums["payout"] += each.earned
    sums["pending_payout"] += each.pending
    sums["sent"] += each.key in sent.sent
    sums["accepted"] += each.key in sent.accepted


def add_to_offer(sums: Sums, each: Reported, bucket: Bucket, needs_both: set[str]) -> None:
    sums["doubles"] += each.is_double
    is_due = each.event_name in needs_both and each.created_at <= bucket.now - DAY
    if is_due and each.is_by_page and not each.is_double:
        sums["expected"] += 1
        sums["unreported"] += not each.reported_at


def together(of_sources: dict[Key, Sums]) -> dict[Key, Sums]:
    """The sums of all sources, by event and currency."""
    found: dict[Key, Sums] = defaultdict(no_sums)
    for (_, event_name, currency), sums in of_sources.items():
        total = found[event_name, currency]
        for name, value in sums.items():
            total[name] += value
    return found


def only(names: Iterable[str], of: dict[Key, Sums]) -> dict[Key, Sums]:
    """The same with these columns alone."""
    wanted = tuple(names)
    return {key: {name: sums[name] for name in wanted} for key, sums in of.items()}
