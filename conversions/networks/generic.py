"""The generic format: parameters by their usual names, as most networks' templates write them.

The aliases are the commonest ones of some 380 public postback templates, and of the trackers that people come from.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from conversions.identity import sha256
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.outcomes import Outcome
from offers.models import Network
from offers.models.network import PostbackStatus
from offers.vocabulary import CURRENCIES

ALIASES: dict[str, tuple[str, ...]] = {
    "click_id": (
        "click_id", "clickid", "cid", "subid", "sub_id", "sub1", "subid1", "sub_id1", "sub_id_1", "aff_click_id",
        "aff_sub", "s1", "s2", "tid", "extclid", "cnv_id", "clid", "externalid",
    ),
    "transaction_id": ("txid", "transaction_id", "transactionid", "order_id", "orderid", "receipt", "leadid",
                       "action_id"),
    "event": ("event", "event_name", "goal", "goal_id", "event_id", "et", "type", "ct"),
    "status": ("status", "cnv_status", "conv_status"),
    "payout": ("payout", "sum", "commission", "commission_amount", "affiliate_earnings", "price"),
    "amount": ("amount", "sale_amount", "order_sum", "revenue", "total", "order_total"),
    "currency": ("currency", "cnv_currency", "curr"),
    "occurred_at": ("ts", "timestamp", "time", "event_time"),
}  # fmt: skip
LONGEST_TRANSACTION = 200
CRITICAL = frozenset(alias for names in ALIASES.values() for alias in names)

STATUS_WORDS = {
    PostbackStatus.APPROVED: ("", "approved", "approve", "sale", "sold", "confirmed", "accepted", "paid", "success",
                              "completed", "complete", "purchase", "conversion", "valid"),
    PostbackStatus.PENDING: ("pending", "hold", "on hold", "on_hold", "lead", "new", "waiting", "processing", "open"),
    PostbackStatus.REJECTED: ("rejected", "reject", "declined", "decline", "cancelled", "canceled", "cancel", "trash",
                              "invalid", "void", "failed"),
    PostbackStatus.REFUNDED: ("refunded", "refund", "rfnd", "reversed", "reversal", "returned", "return"),
    PostbackStatus.CHARGEBACK: ("chargeback", "charge_back", "charged_back", "cgbk", "dispute", "disputed"),
}  # fmt: skip
STATUS_OF_WORD = {word: status for status, words in STATUS_WORDS.items() for word in words}

MACRO = re.compile(
    r"^(\{\{.+\}\}|\$\{.+\}|\{.+\}|\[.+\]|##.+##|#.+#|%[A-Za-z_]+%|!!!.+!!!|<.+>)$"
)  # the spellings that networks use: {x} [x] {{x}} ##X## #x# ${x} %X% and Awin's !!!x!!!
NUMBER = re.compile(r"[+-]?[0-9]{1,11}([.,][0-9]{1,30})?")
AMBIGUOUS = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")  # a thousand, or one and a bit


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a generic postback. Raises PostbackRefusedError with the reason."""
    given = {name: first_value(params, aliases) for name, aliases in ALIASES.items()}
    refuse_macros(given)
    return PostbackRecord(
        click_id=given["click_id"].lower()[:100],
        transaction_id=shortened(given["transaction_id"]),
        event=given["event"][:100],
        status=read_status(given["status"], network),
        payout=read_amount("payout", given["payout"]),
        amount=read_amount("amount", given["amount"]),
        currency=read_currency(given["currency"], network),
        occurred_at=read_time(given["occurred_at"]),
    )


def first_value(params: Mapping[str, str], aliases: tuple[str, ...]) -> str:
    """The first alias that has a value; names are compared without case."""
    folded = {key.casefold(): value for key, value in params.items()}
    return next((folded[alias].strip() for alias in aliases if folded.get(alias, "").strip()), "")


def shortened(transaction_id: str) -> str:
    """A transaction id that fits its column; the end of an over-long one gives way to its digest, to keep it unique."""
    if len(transaction_id) <= LONGEST_TRANSACTION:
        return transaction_id
    digest = sha256(transaction_id)
    return transaction_id[: LONGEST_TRANSACTION - len(digest)] + digest


def refuse_macros(given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if MACRO.match(value):
            raise PostbackRefusedError(Outcome.UNREPLACED_MACRO, f"{name} came as {value[:60]} instead of a value.")


def read_status(word: str, network: Network) -> str:
    """The network's own map first, then the usual words; no status at all means approved."""
    status = network.to_status(word) or STATUS_OF_WORD.get(word.casefold(), "")
    if not status:
        raise PostbackRefusedError(Outcome.UNMAPPED_STATUS, f"The status “{word[:60]}” is not mapped.")
    return str(status)


def read_amount(name: str, text: str) -> Decimal | None:
    """A plain number, the decimal comma included; None when nothing was sent."""
    if not text:
        return None
    if not NUMBER.fullmatch(text) or AMBIGUOUS.fullmatch(text):
        raise PostbackRefusedError(Outcome.BAD_AMOUNT, f"{name} came as “{text[:60]}”, which is not a plain number.")
    return Decimal(text.replace(",", ".")).quantize(Decimal("0.01"))


def read_currency(text: str, network: Network) -> str:
    """The currency sent, else the network's default; refused when TikTok does not take it."""
    code = text.upper() or network.default_currency
    if code not in CURRENCIES:
        raise PostbackRefusedError(Outcome.BAD_CURRENCY, f"The currency “{text[:20]}” is not one that TikTok takes.")
    return code


def read_time(text: str) -> datetime | None:
    """Unix seconds, milliseconds or ISO 8601 (UTC when no zone is given); None for anything else."""
    try:
        if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
