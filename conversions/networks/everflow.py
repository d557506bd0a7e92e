"""Everflow, as its partners are called: a GET whose URL we write with Everflow's macros.

Source: helpdesk.everflow.io, “A guide to parameters and macros” (6173403). {transaction_id} is the id of the click, so
every event of one click brings the same one: here event_id makes a transaction of it, and order_id where partners may
see it; where they may not, the macro comes empty or as it stands, and is left out. No status is sent: a postback tells
of a conversion that is paid. No signature and no reply are documented.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from conversions.calls import Call
from conversions.networks import generic
from conversions.networks.generic import CRITICAL, joined, named
from conversions.networks.record import PostbackRecord
from conversions.networks.values import is_macro, refuse_macros
from offers.formats import Format
from offers.models import Network

__all__ = ["CRITICAL", "FORMAT", "example", "read"]

FORMAT = Format(
    name="everflow",
    label="Everflow",
    help="In the network's Everflow account open Postbacks, add one with the delivery method Postback and enter the "
    "URL. Add it for conversions, and a second time for events if the offer has events. In offer links our click id "
    "goes into sub1.",
    macros={
        "click_id": "{sub1}", "txid": "{transaction_id}", "event_id": "{event_id}", "event_name": "{event_name}",
        "order_id": "{order_id}", "payout": "{payout_amount}", "amount": "{sale_amount}",
        "currency": "{offer_currency}",
    },
    link_parameter="sub1",
    joins_transactions=True,
)  # fmt: skip


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record; its transaction is one event's. Raises PostbackRefusedError with the reason."""
    record = generic.read(params, network)
    event, order = named(params, "event_id"), named(params, "order_id")
    refuse_macros({"event_id": event})
    return replace(record, transaction_id=joined(record.transaction_id, event, "" if is_macro(order) else order))


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """A conversion."""
    sale = {"click_id": click_id, "txid": f"TEST-{number}", "event_id": "0", "payout": "10.00", "currency": "USD"}
    return Call("GET", urlencode(sale))
