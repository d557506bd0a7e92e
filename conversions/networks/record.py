"""The neutral record that every network's format is turned into."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Beside:
    """What a postback tells beside the money; false when it tells nothing.

    `margin` and `lifetime_value` are in units of `currency`, which is empty where the postback names none: then it is
    the conversion's. `told_at` is when somebody said so, None for when the call came. `unread` says in words what of it
    could not be read: none of this is worth a sale.
    """

    margin: Decimal | None = None
    lifetime_value: Decimal | None = None
    segment: str = ""
    lead_quality: str = ""
    currency: str = ""
    told_at: datetime | None = None
    unread: str = ""

    def __bool__(self) -> bool:
        is_money = self.margin is not None or self.lifetime_value is not None
        return is_money or bool(self.segment or self.lead_quality)


NOTHING_BESIDE = Beside()


@dataclass(frozen=True)
class PostbackRecord:
    """What a postback says, whoever said it and in whatever words.

    `status` is one of LedgerEntry.Kind. `kind` is what was sold, one of Conversion.Kind, and empty where the network
    does not say. `payout` and `amount` are in units of `currency` and as sent, None when not sent. `occurred_at` is the
    network's own time, None when not sent. `parent` is the transaction that a rebill or an upsell belongs to; it finds
    the click where none was sent. `fact` tells facts of one transaction and status apart, such as two partial refunds,
    and is the same whenever the network repeats one of them. `beside` is part of no fact.
    """

    click_id: str
    transaction_id: str
    event: str
    status: str
    payout: Decimal | None
    amount: Decimal | None
    currency: str
    occurred_at: datetime | None
    kind: str = ""
    parent: str = ""
    fact: str = ""
    beside: Beside = NOTHING_BESIDE


class PostbackRefusedError(Exception):
    """A postback that can't become a record; carries the reason code, the words for the reader and the status word."""

    def __init__(self, outcome: str, detail: str, word: str = "") -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.word = word
