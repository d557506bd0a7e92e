"""Why TikTok shows another number of an event than we do: what became of each conversion, step by step.

From all that was recorded, over what TikTok accepted, to what it should show: every conversion is in one step at most,
so that what the steps leave of TikTok's number is unexplained.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q

from conversions.models import Conversion, Sighting
from dispatch.models import Delivery
from dispatch.reports.network_differences import EARLY, LATE, truth, within
from dispatch.reports.periods import Period
from offers.models import Offer

WINDOWS = (1, 7, 14, 28)
"""Days after a click in which TikTok may count a conversion for its ad. Source: TikTok Ads Manager, "About
attribution windows": click-through 1, 7, 14 or 28 days, 7 as the default."""
ACCEPTED = Delivery.Status.ACCEPTED
FLAGS = ("recorded", "happened", "is_late", "fired", "old", "state", "why")


@dataclass
class TikTokDifferences:
    """`untold`: what was recorded and TikTok did not accept, by status and reason; `shifts`: from what was accepted
    to what it should show. `accepted_late` are those of the accepted that it took after the period had ended."""

    recorded: int = 0
    untold: Counter[tuple[str, str]] = field(default_factory=Counter)
    shifts: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    accepted_late: int = 0
    beyond_a_week: int = 0
    unexplained: int = 0

    @property
    def expected(self) -> int:
        return self.accepted + sum(self.shifts.values())


def tiktok_differences(
    offer: Offer, event_name: str, period: Period, theirs: int, window: int | None
) -> TikTokDifferences:
    """One query by index, over 31 days at most; `window` in days for a number of what an ad brought."""
    found = TikTokDifferences()
    for row in groups(offer, event_name, period, window):
        place(found, {**row, "is_accepted": row["state"] == ACCEPTED}, row["count"], window)
    found.unexplained = theirs - found.expected
    return found


def groups(offer: Offer, event_name: str, period: Period, window: int | None) -> Any:
    inside = within("created_at", period) | within("occurred_at", period)
    bounds = {"created_at__gte": period.since - EARLY, "created_at__lt": period.until + LATE}
    rows = Conversion.objects.filter(inside, offer=offer, event_name=event_name, is_test=False, **bounds)
    flagged = rows.order_by().annotate(
        recorded=truth(within("created_at", period)),
        happened=truth(within("occurred_at", period)),
        is_late=truth(Q(deliveries__status=ACCEPTED, deliveries__accepted_at__gte=period.until)),
        fired=Exists(Sighting.objects.filter(conversion=OuterRef("pk"), outcome=Sighting.Outcome.FIRED)),
        old=older_than(window or 7),
        # A join, as each conversion is promised once: look-ups of their own took as long again for each column.
        state=F("deliveries__status"),
        why=F("deliveries__reason"),
    )
    return flagged.values(*FLAGS).annotate(count=Count("pk"))


def older_than(days: int) -> Any:
    """Whether its click was longer ago when it happened."""
    limit = F("click__created_at") + timedelta(days=days)
    return ExpressionWrapper(Q(occurred_at__gt=limit), output_field=BooleanField())


def place(found: TikTokDifferences, row: Mapping[str, Any], count: int, window: int | None) -> None:
    if row["recorded"]:
        found.recorded += count
        found.accepted += count * row["is_accepted"]
        found.accepted_late += count * row["is_late"]
        found.beyond_a_week += count * bool(row["is_accepted"] and row["old"] and not window)
        if not row["is_accepted"]:
            found.untold[row["state"] or "", row["why"] or ""] += count
    is_ours = bool(row["recorded"] and row["is_accepted"])
    reached = bool(row["is_accepted"] or row["fired"])
    is_theirs = bool(reached and row["happened"] and not (window and row["old"]))
    if is_ours != is_theirs:
        found.shifts[class_of(row)] += count if is_theirs else -count


def class_of(row: Mapping[str, Any]) -> str:
    """Why only one side counts it."""
    if not row["recorded"]:
        return "late"
    if not row["happened"]:
        return "early"
    return "window" if row["is_accepted"] else "pixel"
