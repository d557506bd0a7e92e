"""Awin's transaction notifications: a GET with !!!macros!!!, or a POST with the transaction as JSON.

Source: help.awin.com, “Transaction notifications” (April 2026): a GET fills case-sensitive macros, a POST sends JSON;
support enables it on request; no signature, no retries. That the POST is a form whose one field AwinTransactionPush
holds the JSON, with the keys transactionId, transactionAmount, transactionCurrency, commission and clickRef, was seen
in several public programs that receive it (bustimes.org among them); bare JSON is read as well. The macro
transactionCurrency was seen in public code only.

Awin tells of each transaction once, when it is tracked, and never what becomes of it. It is taken for approved, as
nothing else will come; what advertisers decline later is known from Awin's reports. The date comes without a time zone
and is not read: notifications are nearly immediate.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import orjson

from conversions.calls import Call, Pairs
from conversions.networks import generic
from conversions.networks.record import PostbackRecord
from conversions.reading import flatten, parse_json, read_pairs
from offers.formats import Format
from offers.models import Network

PUSH = "awintransactionpush"
OURS = {
    "clickref": "click_id", "transactionid": "txid", "commission": "payout", "transactionamount": "amount",
    "transactioncurrency": "currency",
}  # fmt: skip
CRITICAL = generic.CRITICAL | set(OURS)

FORMAT = Format(
    name="awin",
    label="Awin",
    help="In Awin open Toolbox, then Transaction Notifications; if the entry is missing, ask Awin's support to enable "
    "it. Enter the URL and choose the method GET. With POST, enter the URL up to its question mark. Product data is "
    "not needed. In offer links our click id goes into clickref. Awin does not tell of later declines, so each "
    "notification counts as approved.",
    macros={
        "click_id": "!!!clickRef!!!", "txid": "!!!transactionId!!!", "payout": "!!!commission!!!",
        "amount": "!!!transactionAmount!!!", "currency": "!!!transactionCurrency!!!",
    },
    link_parameter="clickref",
)  # fmt: skip


def open(call: Call, keys: Sequence[str]) -> Pairs:
    """The parameters, those inside AwinTransactionPush in its place. Raises UnreadableCallError; nothing is signed."""
    pairs = read_pairs(call)
    pushed = [pair for name, value in pairs if name.casefold() == PUSH for pair in flatten(parse_json(value.encode()))]
    return [(name, value) for name, value in pairs if name.casefold() != PUSH] + pushed


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record, under Awin's names or ours. Raises PostbackRefusedError with the reason."""
    return generic.read({OURS.get(name.casefold(), name): value for name, value in params.items()}, network)


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """The POST of a transaction."""
    transaction = {
        "transactionId": f"TEST-{number}", "clickRef": click_id, "commission": "10.00", "transactionAmount": "100.00",
        "transactionCurrency": "USD", "commissionGroups": [{"code": "DEFAULT", "commissionAmount": "10.00"}],
    }  # fmt: skip
    body = urlencode({"AwinTransactionPush": orjson.dumps(transaction).decode()}).encode()
    return Call("POST", "", body, "application/x-www-form-urlencoded")
