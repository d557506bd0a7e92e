"""The neutral record that every network's format is turned into."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class PostbackRecord:
    """What a postback says, whoever said it and in whatever words.

    `status` is one of PostbackStatus. `payout` and `amount` are in units of `currency` and as sent, None when not
    sent. `occurred_at` is the network's own time, None when not sent.
    """

    click_id: str
    transaction_id: str
    event: str
    status: str
    payout: Decimal | None
    amount: Decimal | None
    currency: str
    occurred_at: datetime | None


class PostbackRefusedError(Exception):
    """A postback that can't become a record; carries the reason code and the words for the reader."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
