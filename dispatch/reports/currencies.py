"""Sums in the reader's currency, by today's rates; what has no rate stays by itself.

Any of the rates that staff keep serves: the rate itself, else its inverse, else two of these in a row. Of several
rates between two currencies the newest counts that is valid today; if all are younger, the oldest one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from offers.models import ExchangeRate
from offers.vocabulary import CURRENCIES

BETWEEN = ("USD", "EUR")  # tried first where two rates in a row are needed
ONE = Decimal(1)
Pairs = Mapping[tuple[str, str], Decimal]


@dataclass(frozen=True)
class Money:
    """A sum in the reader's currency, and what has no rate into it, by currency."""

    amount: Decimal = Decimal(0)
    others: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Converter:
    """Rates into one currency."""

    into: str
    pairs: Pairs

    def rate(self, currency: str) -> Decimal | None:
        """What one unit is worth; None without a rate."""
        if currency == self.into:
            return ONE
        return self.pairs.get((currency, self.into)) or self.chained(currency)

    def chained(self, currency: str) -> Decimal | None:
        ways = sorted((via for start, via in self.pairs if start == currency), key=lambda via: (rank(via), via))
        for via in ways:
            if (via, self.into) in self.pairs:
                return self.pairs[currency, via] * self.pairs[via, self.into]
        return None

    def sum(self, amounts: Mapping[str, Decimal]) -> Money:
        """What all of it is worth together; not rounded."""
        rates = {currency: self.rate(currency) for currency in amounts}
        known = [amounts[currency] * rate for currency, rate in rates.items() if rate is not None]
        others = {currency: amounts[currency] for currency, rate in rates.items() if rate is None and amounts[currency]}
        return Money(sum(known, Decimal(0)), others)


def rank(via: str) -> int:
    return BETWEEN.index(via) if via in BETWEEN else len(BETWEEN)


def converter(into: str, today: date) -> Converter:
    """The rates as they are today; one query."""
    return Converter(into, pairs_of(ExchangeRate.objects.order_by("valid_on"), today))


def pairs_of(rows: Iterable[ExchangeRate], today: date) -> dict[tuple[str, str], Decimal]:
    """The rate that counts between any two currencies, entered this way round or the other; `rows` oldest first."""
    entered: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        if row.valid_on <= today:
            entered[row.currency, row.into] = row.rate
        else:
            entered.setdefault((row.currency, row.into), row.rate)
    turned = {(into, currency): ONE / rate for (currency, into), rate in entered.items()}
    return {**turned, **entered}


def currency_choices() -> list[tuple[str, str]]:
    return [(code, code) for code in sorted(CURRENCIES)]
