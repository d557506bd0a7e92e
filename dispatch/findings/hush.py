"""Networks that are silent when they usually call, where nobody has said for how long they may be."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import OuterRef, QuerySet, Subquery, Sum

from conversions.outcomes import STRANGERS
from dispatch.findings.limits import DAY, HUSHED_CALLS, HUSHED_DAYS, HUSHED_SPAN, VOLUME_DAYS
from dispatch.models import NetworkSlot
from dispatch.models.rollup import SLOT
from dispatch.rollups.slots import slot_of
from offers.models import Network
from offers.silence import in_hours

HISTORY = (VOLUME_DAYS + 1) * DAY
Calls = Mapping[datetime, int]


@dataclass(frozen=True)
class Hush:
    """What the network usually does, as a number and in words; it called last in the half-hour before `since`."""

    network: Network
    since: datetime
    usual: float
    words: str

    def lasts(self, now: datetime) -> str:
        """For how long nothing came, in words."""
        return in_hours(now - self.since)


def hushes_among(networks: "QuerySet[Network]", now: datetime) -> list[Hush]:
    """Those of the networks; one query where all of them call, else two."""
    ends_at = slot_of(now)
    heard = NetworkSlot.objects.filter(starts_at__gte=ends_at - HISTORY, postbacks__gt=0).exclude(outcome__in=STRANGERS)
    last = heard.filter(network=OuterRef("pk")).order_by("-starts_at").values("starts_at")[:1]
    asked = networks.filter(is_active=True, silence_hours=None).annotate(called_at=Subquery(last))
    quiet = {network.pk: network for network in asked.filter(called_at__lt=ends_at - HUSHED_SPAN).order_by("pk")}
    if not quiet:
        return []
    calls: dict[int, dict[datetime, int]] = defaultdict(dict)
    rows = heard.filter(network__in=list(quiet)).order_by().values_list("network_id", "starts_at")
    for key, starts_at, count in rows.annotate(Sum("postbacks")):
        calls[key][starts_at] = count
    found = (hush_of(network, calls[key], ends_at) for key, network in quiet.items())
    return [hush for hush in found if hush]


def hush_of(network: Network, calls: Calls, ends_at: datetime) -> Hush | None:
    """None where the network calls too seldom to be missed; one that is young is judged by its last day."""
    days, since = list(same_hours_of(calls, ends_at)), max(calls) + SLOT
    if len(days) >= HUSHED_DAYS:
        usual = median(days)
        words = f"It usually calls {usual:,.0f} times in these hours of the day."
    else:
        usual = min(calls_between(calls, since - (part + 1) * HUSHED_SPAN) for part in range(DAY // HUSHED_SPAN))
        words = f"It called {usual:,.0f} times or more in every {in_hours(HUSHED_SPAN)} of the day before."
    return Hush(network, since, usual, words) if usual >= HUSHED_CALLS else None


def same_hours_of(calls: Calls, ends_at: datetime) -> Iterator[int]:
    """The calls in the same hours of past days, of days between the first call and the last.

    Of the days that these two are in the hours may not be whole: they say something where they have calls enough.
    """
    first, last = min(calls), max(calls)
    for day in range(1, VOLUME_DAYS + 1):
        since = ends_at - timedelta(days=day) - HUSHED_SPAN
        count, is_whole = calls_between(calls, since), first <= since and since + HUSHED_SPAN <= last + SLOT
        if is_whole or count >= HUSHED_CALLS:
            yield count


def calls_between(calls: Calls, since: datetime) -> int:
    """The calls of one span from then on."""
    return sum(count for starts_at, count in calls.items() if since <= starts_at < since + HUSHED_SPAN)
