"""BuyGoods, as its affiliates are called: one URL for conversions and one for refunds, both written by us.

Source: docs.elasticfunnels.io, “BuyGoods” (a conversion URL and a refund URL are entered; purchases, refunds, cancels,
chargebacks and commission voids are told apart) and public postback templates (the macros {SUBID} to {SUBID5},
{COMMISSION_AMOUNT}, {ORDERID}). There is no macro for the status: what is told of follows from which URL is called, so
the status stands in the URL itself. Amounts are USD. No signature and no reply are documented.
"""

from urllib.parse import urlencode

from conversions.calls import Call
from conversions.networks.generic import CRITICAL, read
from offers.formats import Format
from offers.models import Network

__all__ = ["CRITICAL", "FORMAT", "example", "read"]

FORMAT = Format(
    name="buygoods",
    label="BuyGoods",
    help="In your BuyGoods affiliate account open the postback settings and enter the URL as the conversion URL. Enter "
    "it a second time as the refund URL, with status=refund in place of status=approved. In offer links our click id "
    "goes into subid.",
    macros={
        "click_id": "{SUBID}", "txid": "{ORDERID}", "payout": "{COMMISSION_AMOUNT}", "currency": "USD",
        "status": "approved",
    },
    link_parameter="subid",
    status_words={
        "purchase": "approved", "refund": "refunded", "cancel": "rejected", "chargeback": "chargeback",
        "commission void": "rejected", "commission_void": "rejected", "void": "rejected",
    },
)  # fmt: skip


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """A call of the conversion URL."""
    sale = {"click_id": click_id, "txid": f"TEST-{number}", "status": "approved", "payout": "10.00", "currency": "USD"}
    return Call("GET", urlencode(sale))
