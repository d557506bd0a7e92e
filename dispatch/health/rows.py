"""The rows behind each figure: which they are, how many the figures say there are, and the list that shows them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from conversions.outcomes import Outcome
from dispatch.findings.finding import Scope
from dispatch.health.figures import Figures
from dispatch.models.rollup import SLOT
from dispatch.rollups.slots import slot_of

DELIVERY, CONVERSION, POSTBACK = "dispatch_delivery", "conversions_conversion", "conversions_postback"
VIEWS = {
    DELIVERY: "dispatch.view_delivery",
    CONVERSION: "conversions.view_conversion",
    POSTBACK: "conversions.view_postback",
}
RECORDED = {DELIVERY: "conversion__created_at", CONVERSION: "created_at", POSTBACK: "received_at"}
WHOSE = {
    (DELIVERY, Scope.OFFER): "conversion__offer__id__exact",
    (DELIVERY, Scope.NETWORK): "conversion__offer__network__id__exact",
    (DELIVERY, Scope.PIXEL): "pixel__id__exact",
    (CONVERSION, Scope.OFFER): "offer__id__exact",
    (CONVERSION, Scope.NETWORK): "offer__network__id__exact",
    (POSTBACK, Scope.NETWORK): "network__id__exact",
}
FIGURE = "figure"


@dataclass(frozen=True)
class Part:
    """Rows that a figure is made of: `name` is how addresses call them, `label` follows their number in a sentence."""

    name: str
    label: str
    count: Callable[[Figures], int]
    table: str = DELIVERY

    def url(self, scope: Scope, subject: int, since: datetime, until: datetime) -> str:
        """The list with exactly these rows of one subject; empty where no list can show them.

        The half-hours are those that `reading.figures` adds up for the same moments.
        """
        whose = WHOSE.get((self.table, scope))
        if whose is None:
            return ""
        chosen = {"outcome__exact": self.name, "test": "no"} if self.table == POSTBACK else {FIGURE: self.name}
        span = span_of(RECORDED[self.table], since, until)
        return reverse(f"admin:{self.table}_changelist", query={**chosen, whose: subject, **span})


def span_of(column: str, since: datetime, until: datetime) -> dict[str, Any]:
    """The parameters of a SpanFilter, in UTC as it reads them, to the last moment of the last half-hour."""
    last = slot_of(until - timedelta(microseconds=1)) + SLOT - timedelta(microseconds=1)
    first = slot_of(since)
    return {
        f"{column}_from_0": f"{first:%Y-%m-%d}",
        f"{column}_from_1": f"{first:%H:%M:%S}",
        f"{column}_to_0": f"{last:%Y-%m-%d}",
        f"{column}_to_1": f"{last:%H:%M:%S.%f}",
    }


PARTS = {
    part.name: part
    for part in (
        Part("due", "that were to be sent", lambda sums: sums.due),
        Part("accepted", "accepted", lambda sums: sums.accepted),
        Part("waiting", "waiting", lambda sums: sums.waiting),
        Part("dead", "dead letters", lambda sums: sums.dead),
        Part("discarded", "discarded", lambda sums: sums.discarded),
        Part("held", "held", lambda sums: sums.held),
        Part("suppressed", "not to be sent", lambda sums: sums.suppressed),
        Part("tried", "tried", lambda sums: sums.tried),
        Part("retried", "tried more than once", lambda sums: sums.retried),
        Part("both_legs", "due on both legs", lambda sums: sums.both_legs),
        Part("fired", "seen to fire", lambda sums: sums.fired),
        Part("blocked", "blocked", lambda sums: sums.blocked),
        Part("unheard", "not heard of", lambda sums: sums.unheard),
        Part("no_ttclid", "without ttclid", lambda sums: sums.due - sums.identified["ttclid"]),
        Part("no_ttp", "without _ttp", lambda sums: sums.due - sums.identified["ttp"]),
        Part("all", "conversions", lambda sums: sums.conversions, CONVERSION),
        Part("doubles", "that tell a sale again", lambda sums: sums.doubles, CONVERSION),
        Part("expected", "sales that a page reported", lambda sums: sums.expected, CONVERSION),
        Part("unreported", "not reported by the network", lambda sums: sums.unreported, CONVERSION),
    )
}


def parts(*names: str) -> tuple[Part, ...]:
    return tuple(PARTS[name] for name in names)


def postback_part(outcome: str) -> Part:
    """The postbacks that ended in one outcome."""
    return Part(outcome, Outcome(outcome).label, lambda sums: sums.postbacks[outcome], POSTBACK)
