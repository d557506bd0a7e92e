"""CAKE, as its affiliates are called: a GET whose URL we write with CAKE's #tokens#.

Source: support.getcake.com, “tokens that can be used in an affiliate pixel” (5000545788) and “How affiliates can use
tokens” (5000546096): #leadid# is CAKE's own id of the conversion, #tid# the advertiser's, #price# the payout,
#utcunixtime# the time. s1 holds 50 characters and is meant for sub-affiliates; s2 to s5 hold 100, and what is longer
spills over into the next one. There is no token for the status or the currency: only what is paid is told, and the
network's default currency counts. No signature and no reply are documented.
"""

from urllib.parse import urlencode

from conversions.calls import Call
from conversions.networks.generic import CRITICAL, read
from offers.formats import Format
from offers.models import Network

__all__ = ["CRITICAL", "FORMAT", "example", "read"]

FORMAT = Format(
    name="cake",
    label="CAKE",
    help="In the network's affiliate portal open the offer, then Testing & Tracking, and enter the URL as the postback "
    "URL. In offer links our click id goes into s2: s1 is too short for many ids and is meant for sub-affiliates. CAKE "
    "names no currency, so set the network's default currency to the one that you are paid in.",
    macros={"click_id": "#s2#", "txid": "#leadid#", "payout": "#price#", "ts": "#utcunixtime#"},
    link_parameter="s2",
    sub_id_limit=100,
)


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """A conversion."""
    return Call("GET", urlencode({"click_id": click_id, "txid": f"TEST-{number}", "payout": "10.00"}))
