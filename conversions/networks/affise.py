"""Affise, as its affiliates are called: a GET whose URL we write with Affise's macros.

Source: Affise help centre, “Affiliate postback macros (affiliates)” (article 6655842): there is no macro for our click
id, it travels in {sub1} to {sub8}; {status} is 1 approved, 2 pending, 3 declined, 5 approved and on hold; {sum} is the
payout in {currency}; {transactionid} is the advertiser's id of the conversion; {timestamp} is Unix time. {order_sum} is
left out of the preset, as it comes in a currency of its own, {order_currency}. No signature and no reply are asked for.

On hold is pending here: Affise may still decline it, and TikTok could not be told so.
"""

from urllib.parse import urlencode

from conversions.calls import Call
from conversions.networks.generic import CRITICAL, read
from offers.formats import Format
from offers.models import Network

__all__ = ["CRITICAL", "FORMAT", "example", "read"]

FORMAT = Format(
    name="affise",
    label="Affise",
    help="In the network's Affise account open your profile's settings and enter the URL as the global postback URL, "
    "or open one offer and enter it as that offer's postback. Leave all statuses chosen, so that declines come too. "
    "In offer links our click id goes into sub1.",
    macros={
        "click_id": "{sub1}", "txid": "{transactionid}", "goal": "{goal}", "status": "{status}", "payout": "{sum}",
        "currency": "{currency}", "ts": "{timestamp}",
    },
    link_parameter="sub1",
    status_words={"1": "approved", "2": "pending", "3": "rejected", "5": "pending"},
)  # fmt: skip


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """A conversion with the status 1."""
    sale = {"click_id": click_id, "txid": f"TEST-{number}", "status": "1", "payout": "10.00", "currency": "USD"}
    return Call("GET", urlencode(sale))
