"""ClickBank's Instant Notification Service, versions 6 to 8: an encrypted JSON object, as JSON or as a form.

Source: ClickBank's INS documentation, its PHP sample and notifications in public code. The body has `notification` and
`iv`, both base64: AES-256-CBC with PKCS#7 padding, the key being the first 32 hexadecimal digits, as text, of the
SHA-1 of the secret key. ClickBank wants a 2xx within 3 s; else it repeats every four hours, five times in all, with
another attemptCount.

There is no MAC: what proves a notification is that it decrypts to JSON of a known version. Whoever has seen one can cut
blocks off its beginning and write 16 bytes of their own (by the iv) where it begins then. Therefore the first member
must be one that ClickBank sends, and a whole notification, which has attemptCount or lineItems further down, must have
the transactionTime that ClickBank sends first and that does not fit into 16 bytes together with anything.

What the fields say:
- totalAccountAmount is what the account earns or, below zero, loses: always US dollars, whatever `currency` says, which
  is the customer's. totalOrderAmount is in that currency, so it is only taken where that is dollars too.
- receipt: a rebill's is the first one's with -B001 (older: -0001). RFND, CGBK and INSF (a returned e-check) carry the
  receipt of what they take back, so a refund of a rebill is known by it. Several refunds of a receipt differ in their
  amount; ClickBank has no other identity for them.
- upsell.upsellOriginalReceipt of an upsell is the receipt of the sale before it; upsells often come without the tid.
- Our click id is extclid of version 8's affiliateTrackingParameters (an object, or a list of them), else the tid, which
  is in trackingCodes; vendors' own links may carry it in vendorVariables.
- The buyer's name and address stand in `customer`, which is not kept; of it only the e-mail address is taken, to be
  hashed, unless declinedConsent says no.
"""

import base64
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from conversions import clock
from conversions.calls import Call, Pairs, SignatureError
from conversions.models import Conversion
from conversions.networks.notifications import body_of, read_click_id, read_word
from conversions.networks.record import PostbackRecord
from conversions.networks.signing import require_keys
from conversions.networks.values import read_amount, read_status, read_time, shortened
from conversions.reading import flatten
from offers.formats import KILOBYTE, Format
from offers.models import Network
from offers.models.network import PostbackStatus

BLOCK_BYTES = 16
LONGEST_VALUE = 4096  # a longer one is that of many lineItems, which nothing is read from
VERSIONS = (6, 7, 8)
CONTROLS = bytes(range(33))  # ClickBank's own sample takes them off the end
REBILL = re.compile(r"(.+)-B?[0-9]{3,4}")
FURTHER_DOWN = {"attemptCount", "lineItems"}
MEMBERS = frozenset({
    "version", "attemptCount", "transactionTime", "receipt", "transactionType", "vendor", "affiliate", "role",
    "totalAccountAmount", "totalOrderAmount", "totalTaxAmount", "totalShippingAmount", "currency", "paymentMethod",
    "orderLanguage", "trackingCodes", "vendorVariables", "lineItems", "customer", "upsell", "hopfeed",
    "declinedConsent", "affiliateTrackingParameters", "commonTrackingParameters",
})  # fmt: skip
CRITICAL = frozenset({
    "version", "receipt", "transactiontype", "totalaccountamount", "totalorderamount", "currency", "trackingcodes",
    "upsell", "affiliatetrackingparameters",
})  # fmt: skip

FORMAT = Format(
    name="clickbank_ins",
    label="ClickBank INS, version 6 to 8 (encrypted)",
    help="In ClickBank open Vendor Settings, then My Site, then Advanced Tools. Enter the URL as Instant Notification "
    "URL, choose version 8.0 (6.0 and 7.0 work too), and enter the same secret key there and here. Its button “Test” "
    "sends a notification that appears in the inbox as a test. Hoplinks carry our click id as tid, or as extclid with "
    "version 8. Amounts are what your account earns, in US dollars.",
    link_parameter="tid",
    sub_id_limit=100,
    status_words={
        "SALE": "approved", "BILL": "rebill", "RFND": "refunded", "CGBK": "chargeback", "INSF": "chargeback",
        "CANCEL-REBILL": "ignored", "UNCANCEL-REBILL": "ignored", "SUBSCRIPTION-CHG": "ignored",
        "ABANDONED_ORDER": "ignored", "CUSTOMER_AUTH_FAILURE": "ignored", "CUSTOMER_EMAIL_UPDATE": "ignored",
        "CUSTOMER_UPDATE_CC_NOTIFICATION": "ignored", "PURCHASE_DETAILS_EMAIL_RESPONSE": "ignored",
        "TEST": "test", "TEST_SALE": "test", "TEST_BILL": "test", "TEST_RFND": "test",
        "CANCEL-TEST-REBILL": "test", "UNCANCEL-TEST-REBILL": "test",
    },
    key_label="Secret key",
    key_help="Up to 16 digits and capital letters. Enter the same one in ClickBank under Advanced Tools.",
    max_body_bytes=256 * KILOBYTE,
)  # fmt: skip


def open(call: Call, keys: Sequence[str]) -> Pairs:
    """The notification's top-level members, nested ones as JSON. Raises SignatureError and UnreadableCallError."""
    require_keys(keys)
    body = dict(body_of(call))
    notification, iv = (decode(body.get(name, ""), name) for name in ("notification", "iv"))
    if len(iv) != BLOCK_BYTES or not notification or len(notification) % BLOCK_BYTES:
        raise SignatureError("notification or iv has not the length of something encrypted with AES.")
    opened = [notice for key in keys if (notice := notice_of(decrypt(notification, iv, key)))]
    if not opened:
        raise SignatureError("The notification does not decrypt to one of ClickBank's under any live key.")
    pairs = flatten([member for member in opened[0].items() if member[0] != "customer"]) + email_of(opened[0])
    return [(name, value) for name, value in pairs if len(value) <= LONGEST_VALUE]


def email_of(notice: Mapping[str, Any]) -> Pairs:
    """The buyer's e-mail address as a parameter, to be hashed on its way in; empty without one or without consent."""
    customer = notice.get("customer")
    billing = customer.get("billing") if isinstance(customer, dict) else None
    email = billing.get("email") if isinstance(billing, dict) else None
    return [("email", email)] if isinstance(email, str) and notice.get("declinedConsent") is not True else []


def decode(text: str, name: str) -> bytes:
    """The bytes of a base64 text; a plus that a form has turned into a blank is one again. Raises SignatureError."""
    try:
        return base64.b64decode(text.strip().replace(" ", "+"), validate=True)
    except ValueError as error:
        raise SignatureError(f"{name} is not base64.") from error


def aes_key(secret: str) -> bytes:
    """The 32 bytes of AES-256: hexadecimal digits as they are written."""
    return hashlib.sha1(secret.encode(), usedforsecurity=False).hexdigest()[:32].encode()


def decrypt(notification: bytes, iv: bytes, secret: str) -> bytes:
    """The clear text; empty when its padding is wrong."""
    decryptor = Cipher(algorithms.AES(aes_key(secret)), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(BLOCK_BYTES * 8).unpadder()
    try:
        return unpadder.update(decryptor.update(notification) + decryptor.finalize()) + unpadder.finalize()
    except ValueError:
        return b""


def notice_of(clear: bytes) -> dict[str, Any]:
    """The object in a clear text that is a notification of ClickBank's; empty when it is none."""
    try:
        notice = orjson.loads(clear.strip(CONTROLS))
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(notice, dict) or next(iter(notice), "") not in MEMBERS:
        return {}
    if FURTHER_DOWN & notice.keys() and "transactionTime" not in notice:
        return {}
    return notice if is_version(notice.get("version")) and isinstance(notice.get("transactionType"), str) else {}


def is_version(value: Any) -> bool:
    """Whether it is a known version, written as a number or as a text."""
    return value in VERSIONS or (isinstance(value, str) and value in {f"{known}.0" for known in VERSIONS})


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a notification. Raises PostbackRefusedError with the reason."""
    word = read_word(params, "transactionType")
    status, kind = read_status(word, network)
    payout = read_amount("totalAccountAmount", params.get("totalAccountAmount", ""))
    is_in_dollars = params.get("currency", "").strip().upper() in ("", "USD")
    receipt = params.get("receipt", "").strip()
    parent = parent_of(receipt, params)
    elsewhere = texts_in(params, "vendorVariables", "affiliateTrackingParameters")
    return PostbackRecord(
        click_id=read_click_id(click_ids_of(params), elsewhere),
        transaction_id=shortened(receipt),
        event="",
        status=status,
        payout=payout,
        amount=read_amount("totalOrderAmount", params.get("totalOrderAmount", "")) if is_in_dollars else None,
        currency="USD",
        occurred_at=read_time(params.get("transactionTime", "")),
        kind=kind or kind_of(receipt, parent, status),
        parent=shortened(parent),
        fact=f"{word.upper()} {'' if payout is None else abs(payout)}",
    )


def kind_of(receipt: str, parent: str, status: str) -> str:
    """What was sold, by its receipt and the sale it belongs to; of a reversal empty where they do not say."""
    if REBILL.fullmatch(receipt):
        return Conversion.Kind.REBILL.value
    if parent:
        return Conversion.Kind.UPSELL.value
    return Conversion.Kind.SALE.value if status == PostbackStatus.APPROVED else ""


def parent_of(receipt: str, params: Mapping[str, str]) -> str:
    """The receipt of the sale that a rebill or an upsell belongs to; empty for a sale."""
    rebill = REBILL.fullmatch(receipt)
    upsell = nested(params, "upsell")
    original = upsell.get("upsellOriginalReceipt") if isinstance(upsell, dict) else ""
    if rebill:
        return rebill[1]
    return original.strip() if isinstance(original, str) and original.strip() != receipt else ""


def click_ids_of(params: Mapping[str, str]) -> list[str]:
    """Where our click id may stand, the surest first."""
    tracking, codes = nested(params, "affiliateTrackingParameters"), nested(params, "trackingCodes")
    objects = [entry for entry in (tracking if isinstance(tracking, list) else [tracking]) if isinstance(entry, dict)]
    given = [entry.get("extclid") for entry in objects] + (codes if isinstance(codes, list) else [codes])
    return [candidate for candidate in given if isinstance(candidate, str)]


def texts_in(params: Mapping[str, str], *names: str) -> list[str]:
    """The texts in these objects, whatever they are called."""
    objects = [nested(params, name) for name in names]
    values = [value for entry in objects if isinstance(entry, dict) for value in entry.values()]
    return [value for value in values if isinstance(value, str)]


def nested(params: Mapping[str, str], name: str) -> Any:
    """What a member's JSON text stands for; the text itself when it is none."""
    text = params.get(name, "")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """An affiliate's notification of a sale, encrypted with `key`."""
    sale = {
        "transactionTime": clock.now().isoformat(timespec="seconds"), "receipt": f"TESTSALE{number}",
        "transactionType": "SALE", "vendor": "vendor", "affiliate": "affiliate", "role": "AFFILIATE",
        "totalAccountAmount": 10.00, "trackingCodes": [click_id], "version": 8.0, "attemptCount": 1,
    }  # fmt: skip
    return Call("POST", "", encrypted(orjson.dumps(sale), key, os.urandom(BLOCK_BYTES)), "application/json")


def encrypted(clear: bytes, secret: str, iv: bytes) -> bytes:
    """The body with which ClickBank sends a clear text."""
    padder = PKCS7(BLOCK_BYTES * 8).padder()
    encryptor = Cipher(algorithms.AES(aes_key(secret)), modes.CBC(iv)).encryptor()
    notification = encryptor.update(padder.update(clear) + padder.finalize()) + encryptor.finalize()
    body = {"notification": base64.b64encode(notification).decode(), "iv": base64.b64encode(iv).decode()}
    return orjson.dumps(body)
