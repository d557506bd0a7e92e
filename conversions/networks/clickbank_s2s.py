"""ClickBank's S2S postbacks (Integrations, Postback/Pixels): a GET whose URL we write with ClickBank's macros.

Source: support.clickbank.com, “Postback/Pixels Guide” (26572131282964), and templates in public code, which agree on
{tid}, {extclid}, {affiliate_earnings}, {receipt_id} and {event_type}. Event types seen are ORDER_IMPRESSION, PURCHASE,
UPSELL and COMBINED_CONVERSION, in this or in title case and with blanks; the guide also names them Order Form
Impression, Initial Purchase, Upsell Purchase and Combined Conversion. {affiliate_earnings} is in US dollars, whatever
the customer pays in. An upsell has a receipt of its own and the same tid. Refunds are not among the events: INS reports
them. Unsigned.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from conversions.calls import Call
from conversions.networks import generic
from conversions.networks.generic import CRITICAL
from conversions.networks.record import PostbackRecord
from offers.formats import Format
from offers.models import Network

__all__ = ["CRITICAL", "FORMAT", "example", "read"]

FORMAT = Format(
    name="clickbank_s2s",
    label="ClickBank S2S postback",
    help="In ClickBank open Integrations, then Postback/Pixels, and add a custom postback with the role Affiliate. "
    "Enter the URL and choose the events Initial Purchase and Upsell Purchase; an order form impression changes "
    "nothing here. Hoplinks carry our click id as tid. Refunds come by ClickBank INS only, which is a network of its "
    "own here.",
    macros={
        "click_id": "{tid}", "txid": "{receipt_id}", "status": "{event_type}", "payout": "{affiliate_earnings}",
        "currency": "USD",
    },
    link_parameter="tid",
    sub_id_limit=100,
    status_words={
        "PURCHASE": "approved", "INITIAL_PURCHASE": "approved", "INITIAL PURCHASE": "approved",
        "COMBINED_CONVERSION": "approved", "COMBINED CONVERSION": "approved",
        "UPSELL": "upsell", "UPSELL_PURCHASE": "upsell", "UPSELL PURCHASE": "upsell",
        "ORDER_IMPRESSION": "ignored", "ORDER IMPRESSION": "ignored", "ORDER_FORM_IMPRESSION": "ignored",
        "ORDER FORM IMPRESSION": "ignored",
    },
)  # fmt: skip


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record, its payout in dollars. Raises PostbackRefusedError with the reason."""
    record = generic.read(params, network)
    amount = record.amount if record.currency == "USD" else None
    return replace(record, currency="USD", amount=amount)


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """An initial purchase."""
    sale = {
        "click_id": click_id, "txid": f"TESTSALE{number}", "status": "PURCHASE", "payout": "10.00", "currency": "USD",
    }  # fmt: skip
    return Call("GET", urlencode(sale))
