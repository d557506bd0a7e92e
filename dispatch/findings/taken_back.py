"""Sales that are taken back: refunded, charged back, or rejected after the network had approved them."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from conversions.models import Conversion
from dispatch.findings import limits, reversals
from dispatch.findings.finding import Code, Finding, Scope
from dispatch.findings.limits import DAY, TAKEN_BACK_SPAN
from dispatch.findings.reversals import Sales, Spans
from dispatch.findings.sight import Sight, found
from dispatch.health.rows import CONVERSION, WHOSE, span_of
from dispatch.health.targets import percent
from dispatch.rollups.slots import ONE_DAY
from dispatch.wording import in_words
from offers.models import Offer

LOOK = (
    "Ask the network why, and from which campaigns these sales are, before you pay for more of them. TikTok keeps what "
    "it was told of them."
)
Status = Conversion.Status


@dataclass(frozen=True)
class Window:
    """Sales of one event that were recorded from `since` to before `until`; `when` is that in words."""

    event_name: str
    when: str
    since: datetime
    until: datetime
    sales: Sales

    @property
    def least(self) -> float:
        """The share that says something: beyond what is usual, and what few sales may come to by chance."""
        usual = limits.TAKEN_BACK_USUAL
        error = math.sqrt(usual * (1 - usual) / self.sales.sold) if self.sales.sold else 1.0
        return max(limits.TAKEN_BACK_WARN, usual + limits.TAKEN_BACK_ERRORS * error)

    @property
    def tone(self) -> str:
        """Good as well where too few were taken back to say anything."""
        if self.sales.taken_back < limits.TAKEN_BACK_CASES or self.sales.share < self.least:
            return "good"
        return "bad" if self.sales.share >= limits.TAKEN_BACK_BAD else "warn"


def lately(sight: Sight) -> Iterator[Finding]:
    """Active offers of whose sales too many are taken back: of the event and the time that it is worst for."""
    worst: dict[int, list[Window]] = defaultdict(list)
    for offer, window in windows(sight.now):
        if offer in sight.offers and window.tone != "good":
            worst[offer].append(window)
    for offer, each in worst.items():
        yield of_window(sight.offers[offer], max(each, key=lambda window: window.sales.share))


def windows(now: datetime) -> Iterator[tuple[int, Window]]:
    """Each offer's sales of the last day, of the last days, and those older ones that are taken back now.

    Sales are always compared with those of the same days, however old they are: today's may be few, or many.
    """
    spans = Spans.until(now)
    told = reversals.noted(spans, now)
    young = reversals.of_last_days(spans, now, told)
    for name, span, since in (("day", DAY, spans.day), ("days", TAKEN_BACK_SPAN, spans.days)):
        for (offer, event_name), sales in young[name].items():
            yield offer, Window(event_name, f"of the last {in_words(span)}", since, now, sales)
    for (offer, event_name), (first, last, sales) in reversals.of_older_days(told, spans).items():
        when = f"of {first:%Y-%m-%d}" + (f" to {last:%Y-%m-%d}" if last > first else "") + " (UTC)"
        until = min(reversals.midnight(last) + ONE_DAY, spans.days)
        yield offer, Window(event_name, when, reversals.midnight(first), until, sales)


def of_window(offer: Offer, window: Window) -> Finding:
    sales, share = window.sales, percent(window.sales.share)
    words = f"Of {sales.sold:,} sales ({window.event_name}) {window.when}: {parts_of(sales)}. {LOOK}"
    return found(
        Code.SALES_TAKEN_BACK, offer, window.tone, f"Sales of {offer} are taken back: {share}", words,
        link=rows_of(offer, window), do="See them", value=share, target=f"below {percent(limits.TAKEN_BACK_WARN)}",
    )  # fmt: skip


def parts_of(sales: Sales) -> str:
    """Each kind with its number."""
    parts = [
        (sales.refunded, "refunded"),
        (sales.charged_back, "charged back"),
        (sales.rejected, "rejected after they had been approved"),
        (sales.in_part if sales.worth else 0, f"refunded in part, worth {sales.worth:,.1f} sales"),
    ]
    return ", ".join(f"{count:,} {name}" for count, name in parts if count)


def rows_of(offer: Offer, window: Window) -> str:
    """The list of conversions with these statuses; of those rejected others are among them, approved by nobody."""
    sales = window.sales
    counts = {
        Status.REFUNDED: sales.refunded, Status.CHARGEBACK: sales.charged_back,
        Status.REJECTED: sales.rejected, Status.PARTIAL: sales.in_part,
    }  # fmt: skip
    statuses = ",".join(status.value for status, count in counts.items() if count)
    chosen = {"status__in": statuses, "event": window.event_name, WHOSE[CONVERSION, Scope.OFFER]: offer.pk}
    span = span_of("created_at", window.since, window.until)
    return reverse(f"admin:{CONVERSION}_changelist", query={**chosen, **span})
