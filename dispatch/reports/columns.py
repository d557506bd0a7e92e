"""The figures of a line in the reader's currency: the same for the page, the files and the API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from dispatch.reports.currencies import Converter, Money
from dispatch.reports.figures import Sums

Number = int | Decimal | None
NO_CURRENCY = "without a currency"


class Kind(StrEnum):
    COUNT = "count"
    SHARE = "share"
    MONEY = "money"
    SMALL_MONEY = "small money"


@dataclass(frozen=True)
class Figure:
    """One column; `read` gives its number, in the reader's currency where it is money, or None."""

    key: str
    label: str
    kind: Kind
    read: Callable[[Sums, Converter], Number]
    help: str = ""


def count(key: str, label: str, words: str = "") -> Figure:
    return Figure(key, label, Kind.COUNT, lambda sums, rates: getattr(sums, key), words)


def payout_of(sums: Sums, rates: Converter) -> Decimal:
    return rates.sum(sums.payout).amount


FIGURES = [
    Figure(
        "clicks", "Clicks", Kind.COUNT, lambda sums, rates: sums.clicks if sums.has_clicks else None, "Without robots."
    ),
    Figure(
        "robots", "Robots", Kind.COUNT, lambda sums, rates: sums.robots if sums.has_clicks else None,
        "Bots and prefetchers; they are in no other figure.",
    ),
    count("sales", "Sales", "Pending, approved and refunded in part."),
    Figure(
        "conversion_rate", "CR", Kind.SHARE, lambda sums, rates: sums.conversion_rate,
        "Conversion rate: sales by clicks.",
    ),
    Figure("payout", "Payout", Kind.MONEY, payout_of, "Approved, less what was refunded of it in part."),
    Figure(
        "pending_payout", "Pending payout", Kind.MONEY, lambda sums, rates: rates.sum(sums.pending_payout).amount,
        "What the network has not decided on.",
    ),
    Figure(
        "earnings_per_click", "EPC", Kind.SMALL_MONEY,
        lambda sums, rates: sums.earnings_per_click(payout_of(sums, rates)), "Earnings per click: payout by clicks.",
    ),
    count("conversions", "Conversions", "All that was recorded, whatever became of it."),
    count("tracked", "Seen on a page", "Told by a page and so far by no network."),
    count("pending", "Pending"),
    count("approved", "Approved"),
    count("partial", "Refunded in part"),
    count("rejected", "Rejected"),
    count("refunded", "Refunded"),
    count("chargeback", "Charged back"),
    count("sent", "Sent", "Conversions that the Events API was sent."),
    count("accepted", "Accepted", "Of these, what TikTok accepted."),
    Figure(
        "accepted_share", "Accepted share", Kind.SHARE, lambda sums, rates: sums.accepted_share, "Accepted of sent."
    ),
]  # fmt: skip
BY_KEY: Mapping[str, Figure] = {figure.key: figure for figure in FIGURES}


def unconverted(figure: Figure, sums: Sums, rates: Converter) -> Mapping[str, Decimal]:
    """What a sum of money leaves out because it has no rate, by currency; for earnings per click, nothing."""
    if figure.kind != Kind.MONEY:
        return {}
    found: Money = rates.sum(getattr(sums, figure.key))
    return found.others


def chosen(with_robots: bool) -> list[Figure]:
    return [figure for figure in FIGURES if with_robots or figure.key != "robots"]
