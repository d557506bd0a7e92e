"""TUNE (HasOffers), as its partners are called: a GET whose URL we write with TUNE's macros.

Source: support.tune.com, “Passing values to a partner conversion URL” (1500008248741) and “Receiving conversions via
postback URL” (4413247665431). One {transaction_id} stands for one click, and an offer's goals are conversions of their
own under it: here goal_id makes a transaction of it (0 is the offer's default goal). aff_click_id is the parameter for
unique values; aff_sub to aff_sub5 are for values that repeat. `success=true;` is what TUNE answers to advertisers;
nothing says that it reads a partner's answer. No status is sent: a postback tells of a conversion that is paid. A goal
that may convert several times sends equal calls; the duplicate mode “count each one” is for such networks.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from conversions.calls import Call
from conversions.networks import generic
from conversions.networks.generic import CRITICAL, joined, named
from conversions.networks.record import PostbackRecord
from offers.formats import Format
from offers.models import Network

__all__ = ["CRITICAL", "FORMAT", "example", "read"]

FORMAT = Format(
    name="tune",
    label="TUNE (HasOffers)",
    help="In the network's TUNE account open the offer, add a conversion pixel or postback of the type Postback URL "
    "and enter the URL; a postback for all offers is added by the network's own staff. Add it for every goal that you "
    "want to see. In offer links our click id goes into aff_click_id.",
    macros={
        "click_id": "{aff_click_id}", "txid": "{transaction_id}", "goal_id": "{goal_id}", "payout": "{payout}",
        "currency": "{currency}",
    },
    link_parameter="aff_click_id",
    joins_transactions=True,
)  # fmt: skip


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record; its transaction is one goal's. Raises PostbackRefusedError with the reason."""
    record = generic.read(params, network)
    return replace(record, transaction_id=joined(record.transaction_id, named(params, "goal_id")))


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """A conversion of the default goal."""
    sale = {"click_id": click_id, "txid": f"TEST-{number}", "goal_id": "0", "payout": "10.00", "currency": "USD"}
    return Call("GET", urlencode(sale))
