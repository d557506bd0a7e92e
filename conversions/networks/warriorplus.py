"""WarriorPlus's IPN and affiliate webhooks: a form with the account's security key in it.

Source: help.warriorplus.com, “IPN and Keygen Variables” (1658556); aMember's WarriorPlus plug-in. WP_SECURITYKEY is one
shared text, so it proves the caller and nothing of the values; it is not kept. WP_SALE names the sale, also in its
refund and dispute. A further payment of a subscription comes as subscr_completed with WP_SUBSCR_PAYMENT_TXNID and its
number; the first one is the sale itself. IPN_ID is unique to a message and tells several refunds of one sale apart.
Affiliates' webhooks have IPN_RCPT_TYPE aff and nothing of the buyer.

The payout is WP_SALE_EARNINGS_AFF, where there is none the vendor's. Our click id is the tracking id of a hoplink
(WP_HOP_TID, else WP_HOP_SID), the `s` of a buy button (WP_SID), or stands in WP_CHECKOUT_CUSTOM.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from conversions.calls import Call, Pairs, SignatureError
from conversions.models import Conversion
from conversions.networks.notifications import (
    body_of,
    first_money,
    is_above,
    read_click_id,
    read_word,
    values_in,
    without,
)
from conversions.networks.record import PostbackRecord
from conversions.networks.signing import any_key
from conversions.networks.values import read_currency, read_status, shortened
from offers.formats import Format
from offers.models import Network
from offers.models.network import PostbackStatus

KEY = "WP_SECURITYKEY"
BUYER = ("wp_buyer_", "wp_shipping_")
CLICK_NAMES = ("WP_HOP_TID", "WP_HOP_SID", "WP_SID")
CUSTOM = "WP_CHECKOUT_CUSTOM"
SALE_NAMES = ("WP_SALE", "WP_SALEID", "WP_TXNID")
CRITICAL = frozenset(
    name.lower()
    for name in (*CLICK_NAMES, *SALE_NAMES, KEY, "WP_ACTION", "WP_SALE_AMOUNT", "WP_SALE_EARNINGS_AFF", "IPN_ID")
)

FORMAT = Format(
    name="warriorplus",
    label="WarriorPlus IPN",
    help="In WarriorPlus set a security key in your account's settings and enter the same one here. Vendors enter the "
    "URL as Notification URL under the product's Custom Integration (advanced); affiliates enter it as webhook. Vendor "
    "hoplinks carry our click id as their last part, /o2/v/offer/page/sid/{click_id}, and buy buttons as s. The key "
    "proves who calls, but does not sign the amount: keep the postback's address to yourself.",
    link_parameter="s",
    status_words={
        "sale": "approved", "refund": "refunded", "dispute": "chargeback", "subscr_completed": "rebill",
        "subscr_created": "ignored", "subscr_cancelled": "ignored", "subscr_ended": "ignored",
        "subscr_refunded": "ignored", "subscr_suspended": "ignored", "subscr_paused": "ignored",
        "subscr_reactivated": "ignored", "subscr_failed_invalid": "ignored", "subscr_failed_declined": "ignored",
        "subscr_failed_unavailable": "ignored", "test": "test",
    },
    key_label="Security key",
    key_help="The security key from your WarriorPlus account's settings. WarriorPlus sends it along with each call.",
    key_parameter=KEY,
)  # fmt: skip


def open(call: Call, keys: Sequence[str]) -> Pairs:
    """The parameters without the key and the buyer. Raises SignatureError and UnreadableCallError."""
    pairs = body_of(call)
    given = dict(pairs).get(KEY, "").strip()
    if not given:
        raise SignatureError("There is no WP_SECURITYKEY. Set one in the settings of the WarriorPlus account.")
    if not any_key(keys, given, str):
        raise SignatureError("WP_SECURITYKEY is none of the live keys.")
    return without(pairs, KEY, buyer=BUYER, email="WP_BUYER_EMAIL")


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a message. Raises PostbackRefusedError with the reason."""
    status, kind = read_status(read_word(params, "WP_ACTION"), network)
    sale = next((params[name].strip() for name in SALE_NAMES if params.get(name, "").strip()), "")
    payment = params.get("WP_SUBSCR_PAYMENT_TXNID", "").strip()
    number = params.get("WP_SUBSCR_PAYMENT_NUM", "").strip()
    is_rebill = bool(payment) and (is_above(number, 1) or bool(kind and not number))
    is_pending = params.get("WP_PAYMENT_STATUS", "").strip().lower() == "pending" and status == PostbackStatus.APPROVED
    return PostbackRecord(
        click_id=read_click_id([params.get(name, "") for name in CLICK_NAMES], values_in(params.get(CUSTOM, ""))),
        transaction_id=shortened(payment if is_rebill else sale),
        event="",
        status=PostbackStatus.PENDING.value if is_pending else status,
        payout=first_money(params, "WP_SALE_EARNINGS_AFF", "WP_SALE_EARNINGS_VENDOR"),
        amount=first_money(params, *amount_names(is_rebill)),
        currency=read_currency(params.get("WP_SALE_CURRENCY", "") or "USD", network),
        occurred_at=None,
        kind=kind_of(is_rebill, status),
        parent=shortened(sale) if is_rebill else "",
        fact=shortened(params.get("IPN_ID", "").strip()),
    )


def kind_of(is_rebill: bool, status: str) -> str:
    """What was sold; of a reversal empty unless it is a rebill's."""
    if is_rebill:
        return Conversion.Kind.REBILL.value
    return Conversion.Kind.SALE.value if status == PostbackStatus.APPROVED else ""


def amount_names(is_rebill: bool) -> tuple[str, ...]:
    return ("WP_SUBSCR_PAYMENT_AMOUNT", "WP_SALE_AMOUNT") if is_rebill else ("WP_SALE_AMOUNT",)


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """An affiliate's message of a sale with the key."""
    sale = {
        "WP_ACTION": "sale", "WP_SALE": f"sale_test{number}", "WP_SALE_AMOUNT": "20.00", "WP_SALE_CURRENCY": "USD",
        "WP_SALE_EARNINGS_AFF": "10.00", "WP_PAYMENT_STATUS": "Completed", "WP_SID": click_id,
        "IPN_ID": f"ipn_test{number}", "IPN_RCPT_TYPE": "aff", KEY: key,
    }  # fmt: skip
    return Call("POST", "", urlencode(sale).encode(), "application/x-www-form-urlencoded")
