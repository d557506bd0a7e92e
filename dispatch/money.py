"""Money in a currency that TikTok takes: as the network sent it, or converted by the rates that staff keep.

A currency that TikTok takes is never touched. Any other one is converted into the offer's currency where there is a
rate into it, else into USD, else into whatever there is a rate into: TikTok takes all of them, and one rate is enough
for a currency to be told. Of the rates into one currency the newest counts that was valid on the day the conversion
happened; if all are younger than that, the oldest one, which is the closest to that day.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from offers.models import ExchangeRate
from offers.vocabulary import CURRENCIES

FALLBACK = "USD"
CENT, WHOLE = Decimal("0.01"), Decimal(1)
WITHOUT_MINOR_UNIT = frozenset({"BIF", "CLP", "ISK", "JPY", "KRW", "PYG", "VND"})
"""ISO 4217 currencies with no decimals, of those that TikTok takes. Those with three (BHD, KWD, OMR) get two."""


@dataclass(frozen=True)
class Told:
    """Value and currency for TikTok; `converted` says what became of what the network sent, if it is not the same.

    `valued` is what replaced the value by the event rule, as dispatch.valuing records it.
    """

    value: Decimal | None
    currency: str
    converted: dict[str, str] | None = None
    valued: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Rate:
    """What one unit of `currency` is worth, from a day on, according to a source."""

    currency: str
    into: str
    rate: Decimal
    valid_on: str
    source: str

    def convert(self, amount: Decimal) -> Decimal:
        """The amount in `into`, rounded half up to its smallest unit."""
        unit = WHOLE if self.into in WITHOUT_MINOR_UNIT else CENT
        return (amount * self.rate).quantize(unit, ROUND_HALF_UP)


Rates = Callable[[str, str, date], Rate | None]
"""The rate for a currency, preferably into another one, on a day; None when there is none at all."""


class RateBook:
    """The table of rates as of now; each currency is read once."""

    def __init__(self) -> None:
        self._read: dict[str, list[ExchangeRate]] = {}

    def find(self, currency: str, wanted: str, day: date) -> Rate | None:
        rates = self._of(currency)
        targets = [wanted, FALLBACK, *(rate.into for rate in rates)]
        into = next((code for code in targets if any(rate.into == code for rate in rates)), None)
        same = [rate for rate in rates if rate.into == into]
        row = next((rate for rate in same if rate.valid_on <= day), same[-1] if same else None)
        return Rate(currency, row.into, row.rate, row.valid_on.isoformat(), row.source) if row else None

    def _of(self, currency: str) -> list[ExchangeRate]:
        """All rates of a currency, the newest first."""
        if currency not in self._read:
            rows = ExchangeRate.objects.filter(currency=currency).order_by("-valid_on", "into")
            self._read[currency] = list(rows)
        return self._read[currency]


def kept(record: Mapping[str, str], rates: Rates) -> Rates:
    """The rates, with the one on record in place of any other for its currency."""
    old = Rate(record["from"], record["into"], Decimal(record["rate"]), record["valid_on"], record["source"])
    return lambda currency, wanted, day: old if currency == old.currency else rates(currency, wanted, day)


def tell(reported: Told, wanted: str, happened: datetime, rates: Rates) -> Told:
    """What TikTok is told, preferably in the currency `wanted`; as reported where there is no need or no rate."""
    amount, currency = reported.value, reported.currency
    if amount is None or not currency or currency in CURRENCIES:
        return reported
    rate = rates(currency, wanted, happened.astimezone(UTC).date())
    if rate is None:
        return reported
    value = rate.convert(amount)
    return Told(value, rate.into, record_of(amount, value, rate), reported.valued)


def record_of(amount: Decimal, value: Decimal, rate: Rate) -> dict[str, str]:
    """What is kept of a conversion of money: both sums, and the rate with its day and source."""
    return {
        "from": rate.currency,
        "amount": f"{amount:f}",
        "into": rate.into,
        "value": f"{value:f}",
        "rate": f"{rate.rate.normalize():f}",
        "valid_on": rate.valid_on,
        "source": rate.source,
    }


def in_words(record: Mapping[str, str]) -> str:
    """The record as people read it."""
    old, new = record["from"], record["into"]
    return (
        f"{Decimal(record['amount']):,} {old} → {Decimal(record['value']):,} {new}, at "
        f"1 {old} = {record['rate']} {new} of {record['valid_on']} ({record['source']})"
    )
