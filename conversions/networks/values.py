"""Single values as networks write them: status words, amounts, currencies, times, macros that were not replaced."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from html import unescape
from urllib.parse import unquote

from conversions.ad_macros import bare
from conversions.identity import sha256
from conversions.models import Conversion
from conversions.networks.record import PostbackRefusedError
from conversions.outcomes import Outcome
from offers.models import Network
from offers.models.network import PostbackStatus

LONGEST_TRANSACTION = 200
Kind = Conversion.Kind

STATUS_WORDS = {
    PostbackStatus.APPROVED: ("", "approved", "approve", "sale", "sold", "confirmed", "accepted", "paid", "success",
                              "completed", "complete", "purchase", "conversion", "valid"),
    PostbackStatus.PENDING: ("pending", "hold", "on hold", "on_hold", "lead", "new", "waiting", "processing", "open"),
    PostbackStatus.REJECTED: ("rejected", "reject", "declined", "decline", "cancelled", "canceled", "cancel", "trash",
                              "invalid", "void", "failed"),
    PostbackStatus.REFUNDED: ("refunded", "refund", "rfnd", "reversed", "reversal", "returned", "return"),
    PostbackStatus.PARTIAL: ("partial", "partial_refund", "partial refund", "partially_refunded",
                             "partially refunded"),
    PostbackStatus.CHARGEBACK: ("chargeback", "charge_back", "charged_back", "cgbk", "dispute", "disputed"),
    PostbackStatus.REBILL: ("rebill", "recurring", "renewal", "bill"),
    PostbackStatus.UPSELL: ("upsell", "upsale"),
    PostbackStatus.CORRECTION: ("correction", "adjustment"),
    PostbackStatus.IGNORED: ("ignored", "ignore"),
    PostbackStatus.TEST: ("test",),
}  # fmt: skip
STATUS_OF_WORD = {word: status for status, words in STATUS_WORDS.items() for word in words}
KIND_OF_STATUS = {PostbackStatus.REBILL: Kind.REBILL, PostbackStatus.UPSELL: Kind.UPSELL}
KIND_OF_EVENT = {word: kind.value for status, kind in KIND_OF_STATUS.items() for word in STATUS_WORDS[status]}

CLICK_ID_NAMES = (
    "click_id", "clickid", "cid", "subid", "sub_id", "sub1", "subid1", "sub_id1", "sub_id_1", "aff_click_id",
    "aff_sub", "s1", "s2", "tid", "extclid", "cnv_id", "clid", "externalid",
)  # fmt: skip
"""The usual names of the parameter for our click id. As its value they are a macro that lost its brackets."""

TRANSACTION_NAMES = ("txid", "transaction_id", "transactionid", "order_id", "orderid", "receipt", "leadid", "action_id")
"""Those of the parameter for the sale's own id."""

JSON_OR_GUID = r"\{\s*\"|\[\s*[\"{\[0-9]|\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}$"
WORD = r"[A-Za-z_]+\d{0,2}"  # ids of sales mix letters and digits otherwise
MACRO = re.compile(
    rf"(?!{JSON_OR_GUID})(?:\$?\{{.+\}}|\[.+\]|#.+#|!!!.+!!!|<.+>)|\[\[{WORD}\]\]|%{WORD}%|%%{WORD}%%"
    rf"|__(?=[A-Za-z]){WORD}__"
    rf"|\$?\{{\{{?[A-Za-z_][\w.-]*|{WORD}\}}\}}?"  # half of one, as a template that was cut leaves it
)  # the spellings that networks use: {x} [x] {{x}} [[x]] ##X## #x# ${x} %X% %%x%% __X__ and Awin's !!!x!!!
LONGEST_NAME = 100
BARE_NAMES = {bare(name) for name in CLICK_ID_NAMES}
LIKE_A_NAME = re.compile(r"[a-z]{0,6}click(?:id|ref)|(?:aff)?sub(?:id)?\d{0,2}|s\d?")
"""What networks and trackers call the parameter besides, without signs; no call is read by these."""
NUMBER = re.compile(r"[+-]?[0-9]{1,11}([.,][0-9]{1,30})?")
AMBIGUOUS = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")  # a thousand, or one and a bit
CURRENCY = re.compile(r"[A-Z]{3}")


def is_macro(value: str) -> bool:
    """Whether a value is a macro's name that the network did not replace."""
    text = value.strip()
    if "%" in text and MACRO.fullmatch(unquote(text)):  # encoded twice on its way
        return True
    return bool(text) and MACRO.fullmatch(text) is not None


def is_no_click_id(value: str) -> bool:
    """Whether a click id is a macro, or the bare name of one: ours have 26 characters, so none is lost by that."""
    word = bare(unescape(value[:LONGEST_NAME]))
    return is_macro(value) or word in BARE_NAMES or LIKE_A_NAME.fullmatch(word) is not None


def is_no_transaction(value: str) -> bool:
    """The same of a transaction id, which would make one sale of all."""
    return is_macro(value) or value.strip().casefold() in TRANSACTION_NAMES


def refuse_macros(given: Mapping[str, str]) -> None:
    """Raises PostbackRefusedError when one of the values is a macro that the network did not replace."""
    for name, value in given.items():
        if IS_NONE.get(name, is_macro)(value):
            raise PostbackRefusedError(Outcome.UNREPLACED_MACRO, f"{name} came as {value[:60]} instead of a value.")


IS_NONE = {"click_id": is_no_click_id, "transaction_id": is_no_transaction}


def shortened(transaction_id: str) -> str:
    """A transaction id that fits its column; the end of an over-long one gives way to its digest, to keep it unique."""
    if len(transaction_id) <= LONGEST_TRANSACTION:
        return transaction_id
    digest = sha256(transaction_id)
    return transaction_id[: LONGEST_TRANSACTION - len(digest)] + digest


def read_status(word: str, network: Network) -> tuple[str, str]:
    """Status and kind (which may be empty) of the network's word: its own map first, then its format's, then ours.

    Raises PostbackRefusedError for a word that nobody mapped, and for one that says nothing about money.
    """
    word = word.strip()
    folded = word.casefold()
    status = network.to_status(word) or words_of(network).get(folded) or STATUS_OF_WORD.get(folded, "")
    if not status:
        raise PostbackRefusedError(Outcome.UNMAPPED_STATUS, f"The status “{word[:60]}” is not mapped.", word[:60])
    return settle_status(status, word)


def settle_status(status: str, word: str) -> tuple[str, str]:
    """Status and kind of a record whose postback means `status`. Raises PostbackRefusedError for what is no fact."""
    if status == PostbackStatus.IGNORED:
        raise PostbackRefusedError(Outcome.IGNORED, f"“{word[:60]}” changes no conversion.", word[:60])
    if status == PostbackStatus.TEST:
        raise PostbackRefusedError(Outcome.TEST, f"“{word[:60]}” is a test of the network.", word[:60])
    kind = KIND_OF_STATUS.get(PostbackStatus(status), "")
    return (PostbackStatus.APPROVED.value if kind else str(status)), str(kind)


def words_of(network: Network) -> dict[str, str]:
    """The status words that the network's format brings along, case-folded."""
    return {word.casefold(): status for word, status in network.format.status_words.items()}


def read_amount(name: str, text: str) -> Decimal | None:
    """A plain number, the decimal comma included; None when nothing was sent. Raises PostbackRefusedError."""
    text = text.strip()
    if not text:
        return None
    if not NUMBER.fullmatch(text) or AMBIGUOUS.fullmatch(text):
        raise PostbackRefusedError(Outcome.BAD_AMOUNT, f"{name} came as “{text[:60]}”, which is not a plain number.")
    return Decimal(text.replace(",", ".")).quantize(Decimal("0.01"))


def refuse_negative(status: str, payout: Decimal | None, amount: Decimal | None) -> None:
    """Raises PostbackRefusedError for a sale below zero, which TikTok would refuse and no report could explain."""
    if status in (PostbackStatus.PENDING, PostbackStatus.APPROVED) and min(payout or 0, amount or 0) < 0:
        words = "A sale has no amount below zero. What is taken off comes with the status correction or refunded."
        raise PostbackRefusedError(Outcome.BAD_AMOUNT, words)


def read_currency(text: str, network: Network) -> str:
    """The currency as sent, else the network's default. Raises PostbackRefusedError for what is no currency code."""
    code = text.strip().upper() or network.default_currency
    if not CURRENCY.fullmatch(code):
        raise PostbackRefusedError(Outcome.BAD_CURRENCY, f"The currency came as “{text[:20]}”.")
    return code


def read_time(text: str, zone: tzinfo = UTC) -> datetime | None:
    """Unix seconds, milliseconds or ISO 8601, in `zone` when none is given; None for anything else."""
    text = text.strip()
    try:
        if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    except (ValueError, OverflowError, OSError):
        return None
