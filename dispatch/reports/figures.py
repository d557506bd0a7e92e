"""What a line of a report says: sums, and the ratios that follow from them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from dispatch.models.rollup import Traffic

COUNTS, MONEY = Traffic.COUNTS, Traffic.MONEY
Amounts = dict[str, Decimal]


def no_money() -> Amounts:
    return defaultdict(Decimal)


@dataclass
class Sums:
    """Counts, and money by currency. `has_clicks` is false where clicks belong to no line, as by event."""

    clicks: int = 0
    robots: int = 0
    tracked: int = 0
    pending: int = 0
    approved: int = 0
    rejected: int = 0
    partial: int = 0
    refunded: int = 0
    chargeback: int = 0
    sent: int = 0
    accepted: int = 0
    payout: Amounts = field(default_factory=no_money)
    pending_payout: Amounts = field(default_factory=no_money)
    has_clicks: bool = True

    @property
    def conversions(self) -> int:
        """All that was recorded, whatever became of it."""
        return sum(getattr(self, status) for status in Traffic.STATUSES)

    @property
    def sales(self) -> int:
        """What the network pays for or may pay for: pending, approved and refunded in part."""
        return self.pending + self.approved + self.partial

    @property
    def conversion_rate(self) -> Decimal | None:
        """Sales of a click, from 0 on; None where there are no clicks to speak of."""
        return Decimal(self.sales) / self.clicks if self.has_clicks and self.clicks else None

    @property
    def accepted_share(self) -> Decimal | None:
        """Of what was sent, the part that TikTok accepted."""
        return Decimal(self.accepted) / self.sent if self.sent else None

    def earnings_per_click(self, payout: Decimal) -> Decimal | None:
        """Of a payout in one currency."""
        return payout / self.clicks if self.has_clicks and self.clicks else None

    def add(self, other: "Sums", sign: int = 1) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + sign * getattr(other, name))
        for name in MONEY:
            amounts: Amounts = getattr(self, name)
            for currency, amount in getattr(other, name).items():
                amounts[currency] += sign * amount


def total(lines: Iterable[Sums]) -> Sums:
    whole = Sums()
    for line in lines:
        whole.add(line)
    return whole


def rest(whole: Sums, lines: Iterable[Sums]) -> Sums:
    """What the lines leave of the whole."""
    left = total([whole])
    for line in lines:
        left.add(line, -1)
    return left
