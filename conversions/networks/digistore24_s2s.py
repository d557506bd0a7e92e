"""Digistore24's S2S postbacks, for affiliates and vendors: a GET whose URL we write with Digistore24's macros.

Source: docs.digistore24.com, “S2S-Postback”; help.digistore24.com, “Set up S2S postback” (24293197806225). Our click id
goes into `cid` of the promolink and comes back as {cid}. Which transaction types are sent is chosen in the connection:
payment, refund, chargeback, payment_missed, payment_denial, rebill_cancelled, rebill_resumed and last_paid_day.

{transaction_id} is the refund's own where one is reported, as in the IPN, and no macro names the payment: a refund is
therefore joined by its click id and told apart by its transaction id. Whether a payment is a rebill or an upsell is not
said either; the IPN says all of it. Unsigned.
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
from offers.models.network import PostbackStatus

__all__ = ["CRITICAL", "FORMAT", "example", "read"]

PAYMENTS = frozenset({PostbackStatus.APPROVED, PostbackStatus.PENDING})

FORMAT = Format(
    name="digistore24_s2s",
    label="Digistore24 S2S postback",
    help="In Digistore24 open Account, then S2S postback (as a vendor: Settings, then Integrations (IPN), type S2S "
    "postback), add a new connection, enter the URL and choose the events payment, refund and chargeback. Promolinks "
    "carry our click id as cid.",
    macros={
        "click_id": "{cid}", "txid": "{transaction_id}", "status": "{transaction_type}",
        "payout": "{amount_affiliate}", "amount": "{amount_brutto}", "currency": "{currency}",
    },
    link_parameter="cid",
    status_words={
        "payment": "approved", "refund": "refunded", "chargeback": "chargeback", "payment_missed": "ignored",
        "payment_denial": "ignored", "rebill_cancelled": "ignored", "rebill_resumed": "ignored",
        "last_paid_day": "ignored", "connection_test": "test",
    },
)  # fmt: skip


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record; a refund is its click's. Raises PostbackRefusedError with the reason."""
    record = generic.read(params, network)
    if record.status in PAYMENTS:
        return record
    return replace(record, transaction_id=record.parent, parent=record.transaction_id, fact=record.transaction_id)


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """A payment."""
    sale = {
        "click_id": click_id, "txid": str(number), "status": "payment", "payout": "10.00", "amount": "100.00",
        "currency": "EUR",
    }  # fmt: skip
    return Call("GET", urlencode(sale))
