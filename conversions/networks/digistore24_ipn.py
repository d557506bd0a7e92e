"""Digistore24's IPN, which goes to vendors: a signed form, one for each transaction of each item of an order.

Source: dev.digistore24.com, “Quick Integration Guide” (32480217565969), “Events” (13), “Handling subscriptions” (15),
Digistore24's receiver script, and the notifications (IPN version 1.6) that people have left in public code.

sha_sign is the upper-case SHA-512 of `key=value` and the passphrase for each parameter but sha_sign and SHASIGN that is
not empty, sorted by key as bytes. Older scripts decode HTML entities in the values first, so that is tried second. An
answer that does not begin with OK counts as not received and is repeated.

What the identifiers are:
- order_id: the order, of one initial sale, its order bumps and up to three upsells, each an item of its own.
- transaction_id: “A transaction is a payment, a refund or a chargeback. This transaction-ID is unique.” So a refund has
  one of its own, which tells two refunds apart, and points at the payment by parent_transaction_id. That one is there
  and empty in every payment seen in public; no refund is public, and Digistore24's API names the same thing
  parent_txn_id. A refund without it is joined by its click id, else by the transaction id that it does name.
- pay_sequence_no: 0 for a single payment, 1 for the first and 2 and more for the further ones of a subscription or of
  installments, which are rebills. upsell_no: 0 for the initial sale, 1 and more for upsells.

Our click id is `cid` of the promolink; it has been seen as click_id, and vendors may pass it by sid1 to sid5, custom,
trackingkey or campaignkey as well. amount_affiliate is the payout; where there is no affiliate it is amount_payout, the
vendor's. Both and amount_brutto are in `currency`. The times have no zone, so that of the arrival is taken.
"""

import hashlib
import html
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlencode

from conversions.calls import Call, Pairs, SignatureError
from conversions.models import Conversion
from conversions.networks.notifications import body_of, first_money, is_above, read_click_id, read_word, without
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.networks.signing import any_key
from conversions.networks.values import read_amount, read_currency, read_status, shortened
from conversions.outcomes import Outcome
from offers.formats import Format
from offers.models import Network
from offers.models.network import PostbackStatus

SIGNATURES = ("sha_sign", "SHASIGN")
NOT_SIGNED = "no_signature_passphrase_provided"  # what Digistore24 writes there without a passphrase
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
CLICK_NAMES = ("cid", "click_id", "custom")
OTHER_NAMES = ("sid1", "sid2", "sid3", "sid4", "sid5", "trackingkey", "campaignkey")
BUYER = (
    "address_", "buyer_", "customer_", "license_data_", "eticket_", "first_name", "last_name", "company",
    "receipt_url", "invoice_url", "renew_url", "request_refund_url",
)  # fmt: skip
CRITICAL = frozenset({
    "event", "api_mode", "order_id", "transaction_id", "parent_transaction_id", "pay_sequence_no", "upsell_no",
    "amount_affiliate", "amount_payout", "amount_brutto", "currency", *CLICK_NAMES, *OTHER_NAMES,
})  # fmt: skip

FORMAT = Format(
    name="digistore24_ipn",
    label="Digistore24 IPN (vendors, signed)",
    help="In Digistore24's vendor view open Settings, then Integrations (IPN), add a new connection of the type "
    "Generic, enter the URL as IPN URL and the same passphrase there and here, and choose the events payment, refund "
    "and chargeback. The connection test appears in the inbox as a test. Promolinks carry our click id as cid. As an "
    "affiliate choose Digistore24 S2S instead.",
    link_parameter="cid",
    status_words={
        "on_payment": "approved", "on_refund": "refunded", "on_chargeback": "chargeback",
        "on_payment_missed": "ignored", "payment_denial": "ignored", "on_payment_denial": "ignored",
        "on_rebill_cancelled": "ignored", "on_rebill_resumed": "ignored", "last_paid_day": "ignored",
        "on_affiliation": "ignored", "eticket": "ignored", "on_eticket": "ignored", "custom_form": "ignored",
        "connection_test": "test",
    },
    key_label="IPN passphrase (SHA)",
    key_help="The text that stands as passphrase in the IPN connection at Digistore24. Without one there nothing is "
    "signed, and everything is refused here.",
)  # fmt: skip


def open(call: Call, keys: Sequence[str]) -> Pairs:
    """The signed parameters without the buyer's name and address. Raises SignatureError and UnreadableCallError."""
    pairs = body_of(call)
    given = dict(pairs).get("sha_sign", "").strip()
    if given in ("", NOT_SIGNED):
        raise SignatureError("There is no sha_sign. Enter a passphrase in the IPN connection at Digistore24.")
    decoded = [(name, unescaped(value)) for name, value in pairs]
    for reading in (pairs, decoded):  # what is taken is what was signed, entities or none
        if any_key(keys, given.upper(), signer(reading)):
            return without(reading, *SIGNATURES, buyer=BUYER)
    raise SignatureError("sha_sign is not that of these parameters under any live passphrase.")


def signer(pairs: Pairs) -> Callable[[str], str]:
    """What signs the parameters with a passphrase."""
    return lambda passphrase: sign(pairs, passphrase)


def sign(pairs: Pairs, passphrase: str) -> str:
    """The upper-case hex SHA-512 of the parameters."""
    ordered = sorted((name.encode(), value.encode()) for name, value in pairs if name not in SIGNATURES)
    secret = passphrase.encode()
    signed = b"".join(name + b"=" + value + secret for name, value in ordered if value)
    return hashlib.sha512(signed).hexdigest().upper()


def unescaped(text: str) -> str:
    """The text as PHP's html_entity_decode leaves it, which wants each entity's semicolon."""
    return ENTITY.sub(lambda entity: unescaped_one(entity[0]), text)


unescaped_one = lru_cache(maxsize=256)(html.unescape)  # few are different, and it takes a while for each


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a transaction. Raises PostbackRefusedError with the reason."""
    word = read_word(params, "event")
    if params.get("api_mode", "").strip().lower() == "test":
        raise PostbackRefusedError(Outcome.TEST, f"“{word[:60]}” of a test order.", word[:60])
    status, _ = read_status(word, network)
    own, paid = params.get("transaction_id", "").strip(), params.get("parent_transaction_id", "").strip()
    is_payment = status in (PostbackStatus.APPROVED, PostbackStatus.PENDING)
    return PostbackRecord(
        click_id=read_click_id(*([params.get(name, "") for name in names] for names in (CLICK_NAMES, OTHER_NAMES))),
        transaction_id=shortened(own if is_payment else paid),
        event="",
        status=status,
        payout=first_money(params, "amount_affiliate", "amount_payout", "amount_vendor"),
        amount=read_amount("amount_brutto", params.get("amount_brutto", "")),
        currency=read_currency(params.get("currency", ""), network),
        occurred_at=None,
        kind=kind_of(params) or (Conversion.Kind.SALE.value if is_payment else ""),
        parent=shortened(params.get("order_id", "").strip() if is_payment or paid else own),
        fact=shortened(own),
    )


def kind_of(params: Mapping[str, str]) -> str:
    """Rebill or upsell, which payments and their refunds tell alike; empty for the initial sale."""
    if is_above(params.get("pay_sequence_no", ""), 1):
        return Conversion.Kind.REBILL.value
    return Conversion.Kind.UPSELL.value if is_above(params.get("upsell_no", ""), 0) else ""


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """The notification of a single payment, signed with `key`."""
    sale = {
        "event": "on_payment", "api_mode": "live", "order_id": "TESTORDER", "transaction_id": str(number),
        "transaction_type": "payment", "pay_sequence_no": "0", "cid": click_id, "amount_affiliate": "10.00",
        "amount_brutto": "100.00", "currency": "EUR",
    }  # fmt: skip
    signed = {**sale, "sha_sign": sign(list(sale.items()), key)}
    return Call("POST", "", urlencode(signed).encode(), "application/x-www-form-urlencoded")
