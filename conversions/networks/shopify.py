"""Shopify's webhooks, and those of shops that sign alike: a POST of JSON with an HMAC over the raw body.

Source: shopify.dev, “About webhooks”, “Ignore duplicate webhooks” and “Updates to the webhook retry mechanism”.
X-Shopify-Hmac-Sha256 is the base64 HMAC-SHA256 of the raw body; X-Shopify-Topic says what happened; any 2xx within 5 s
is taken for received, else up to 8 more tries follow within 4 hours with the same body. The signature does not cover
headers and query: the query is not read, and without a topic the body itself says what it is.

Of an order only what is read here is kept, and of its buyer no more than e-mail and phone, as digests. The order's id
is the transaction, its total the sale amount; a shop pays no commission, so the payout is the offer's. Our click id
comes in the order's note_attributes, in the query of its landing_site, or in a field `click_id`. A refund's money is
that of its transactions; its own id tells it from the order's other refunds. A cancelled order takes no amount back:
the refund that belongs to it does.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson

from conversions.calls import Call, Pairs, SignatureError, UnreadableCallError
from conversions.networks import generic
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.networks.signing import any_key
from conversions.networks.values import read_amount, read_status
from conversions.outcomes import Outcome
from conversions.reading import MAX_QUERY_BYTES
from offers.formats import KILOBYTE, Format
from offers.models import Network
from offers.models.network import PostbackStatus

SIGNATURE = "x-shopify-hmac-sha256"
TOPIC = "x-shopify-topic"
CRITICAL: frozenset[str] = frozenset()  # open() names each parameter once
CLICK_NAMES = ("click_id", "clickid")
UNPAID = frozenset({"pending", "authorized", "partially_paid", "unpaid", "voided", "expired"})
SALES = frozenset({"orders/create", "orders/paid"})
MONEY = SALES | {"orders/cancelled", "refunds/create"}
FAILED = frozenset({"failure", "error"})
REFUNDS = frozenset({PostbackStatus.PARTIAL, PostbackStatus.REFUNDED})

FORMAT = Format(
    name="shopify",
    label="Shopify and alike (HMAC-signed webhooks)",
    help="In Shopify's admin open Settings, then Notifications, then Webhooks, and create webhooks in the format JSON "
    "for order creation, order payment, order cancellation and refund creation, each with the URL up to its question "
    "mark. Offer links carry our click id as click_id to the shop; a theme that loses it on the way can add it to the "
    "cart as the attribute click_id.",
    link_parameter="click_id",
    status_words={
        "orders/create": "approved", "orders/paid": "approved", "orders/cancelled": "rejected",
        "refunds/create": "partial", "orders/updated": "ignored", "orders/edited": "ignored",
        "orders/fulfilled": "ignored", "orders/partially_fulfilled": "ignored", "orders/delete": "ignored",
        "order_transactions/create": "ignored",
    },
    key_label="Webhook signing secret",
    key_help="It stands below the list of webhooks in Shopify: “Your webhooks will be signed with”. For webhooks of an "
    "app it is the app's client secret.",
    max_body_bytes=256 * KILOBYTE,
)  # fmt: skip


def open(call: Call, keys: Sequence[str]) -> Pairs:
    """What is read of the order or refund, with the topic. Raises SignatureError and UnreadableCallError."""
    given = call.headers.get(SIGNATURE, "").strip()
    if not given:
        raise SignatureError("There is no header X-Shopify-Hmac-Sha256.")
    if not any_key(keys, given, lambda key: sign(call.body, key)):
        raise SignatureError("X-Shopify-Hmac-Sha256 is not that of this body under any live key.")
    body = read_object(call.body)
    is_test = call.headers.get("x-shopify-test", "").lower() == "true" or body.get("test") is True
    kept = refund_of(body) if is_refund(body) else order_of(body)
    kept[TOPIC] = topic_of(body, call.headers.get(TOPIC, "").strip())
    kept["test"] = "true" if is_test else kept.get("test", "")
    return [(name, value) for name, value in kept.items() if value]


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a signed body, which is the sender's own as it stands. Raises UnreadableCallError."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise UnreadableCallError(Outcome.UNDECODABLE, 400, "The body is not a JSON object.")
    return body


def sign(body: bytes, key: str) -> str:
    """The base64 HMAC-SHA256 of the raw body."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def topic_of(body: Mapping[str, Any], said: str) -> str:
    """What it is about. The header is not signed, so where money is gained or lost the body has the word."""
    if said and said not in MONEY:
        return said
    if is_refund(body):
        return "refunds/create"
    if body.get("cancelled_at"):
        return said if said in SALES else "orders/cancelled"
    return said if said in SALES else "orders/create"


def is_refund(body: Mapping[str, Any]) -> bool:
    """Refunds name the order that they belong to; orders have a total."""
    return "order_id" in body and "total_price" not in body


def order_of(body: Mapping[str, Any]) -> dict[str, str]:
    """What is read of an order."""
    return {
        "order_id": text(body.get("id")),
        "click_id": click_id_of(body),
        "amount": text(body.get("total_price")),
        "currency": text(body.get("currency")),
        "financial_status": text(body.get("financial_status")),
        "time": text(body.get("created_at")),
        "email": text(body.get("email")) or text(body.get("contact_email")),
        "phone": text(body.get("phone")),
    }


def click_id_of(body: Mapping[str, Any]) -> str:
    """Our click id, wherever the shop has kept it; empty when nowhere."""
    noted = [entry for entry in listed(body.get("note_attributes")) if isinstance(entry, dict)]
    query = text(body.get("landing_site"))[:MAX_QUERY_BYTES].partition("?")[2].partition("#")[0]
    places = [
        {text(entry.get("name")): text(entry.get("value")) for entry in noted},
        dict(parse_qsl(query)),
        {name: text(body.get(name)) for name in CLICK_NAMES},
    ]
    return next((found for place in places if (found := generic.named(place, *CLICK_NAMES))), "")


def refund_of(body: Mapping[str, Any]) -> dict[str, str]:
    """What is read of a refund; `refunded` has the amount of each transaction that gives money back."""
    back = [entry for entry in listed(body.get("transactions")) if isinstance(entry, dict) and gives_back(entry)]
    return {
        "order_id": text(body.get("order_id")),
        "refund_id": text(body.get("id")),
        "refunded": " ".join(text(entry.get("amount")).strip() for entry in back),
        "currency": next((code for entry in back if (code := text(entry.get("currency")))), ""),
        "time": text(body.get("created_at")),
        "test": "true" if any(entry.get("test") is True for entry in back) else "",
    }


def gives_back(entry: Mapping[str, Any]) -> bool:
    """Whether a transaction of a refund moves money; one may have failed, or tell of the sale that it belongs to."""
    return text(entry.get("kind")) in ("refund", "") and text(entry.get("status")) not in FAILED


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """A text or a number as text; empty for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of an order or a refund. Raises PostbackRefusedError with the reason."""
    topic = params.get(TOPIC, "")
    if params.get("test") == "true":
        raise PostbackRefusedError(Outcome.TEST, f"“{topic[:60]}” of a test.", topic[:60])
    status, kind = read_status(topic, network)
    record = replace(generic.read(params, network), status=status, kind=kind)
    if status in REFUNDS:
        refunded = sum_of(params.get("refunded", ""), topic)
        return replace(record, amount=refunded, fact=params.get("refund_id", ""))
    if status == PostbackStatus.REJECTED:
        return replace(record, amount=None)
    is_unpaid = status == PostbackStatus.APPROVED and params.get("financial_status", "").lower() in UNPAID
    return replace(record, status=PostbackStatus.PENDING.value) if is_unpaid else record


def sum_of(amounts: str, topic: str) -> Decimal:
    """The money of a refund. Raises PostbackRefusedError where there is none, as for goods that are only taken back."""
    given = [read_amount("refunded", amount) or Decimal(0) for amount in amounts.split()]
    if not any(given):
        raise PostbackRefusedError(Outcome.IGNORED, "The refund gives no money back.", topic[:60])
    return sum(given, Decimal(0))


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """The webhook of a paid order."""
    order = {
        "id": 1000 + number, "total_price": "100.00", "currency": "USD", "financial_status": "paid",
        "note_attributes": [{"name": "click_id", "value": click_id}],
    }  # fmt: skip
    body = orjson.dumps(order)
    return Call("POST", "", body, "application/json", {SIGNATURE: sign(body, key), TOPIC: "orders/create"})
