"""JVZoo's JVZIPN, version 2: a form of which six values are signed.

Source: support.jvzoo.com, “JVZIPN v2: How to Receive JVZoo Order Data in Your Script” (49387230478235), and what a
vendor has measured over some hundred sales. cverify is the upper-case first 8 digits of the SHA-1 of
paykey|customer_email|product_name|transaction_type|date|secret key. It covers neither the amount nor the click id nor
the transaction id: whoever has seen one notification can change those and send it again, so the postback's address,
which is secret, is the second proof. Only 200 counts as received.

Amounts are dollars. `total` is what the buyer paid; transactionPayouts, a JSON text, says who got which part, and that
of AFFILIATES is the payout. Chargebacks arrive as RFND like refunds and are booked as refunds. A RFND has the
transaction id of the payment that it takes back, and its `date` is that of the sale. A rebill's transaction id is the
sale's with -B001. `date` has no zone (a vendor takes it for US Eastern time), so that of the arrival is taken.
other_params is the link's query with our click id as tid; some 4 % of one vendor's sales came without.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import orjson

from conversions.calls import Call, Pairs
from conversions.networks.jvzoo_v1 import SIGNATURE, STATUS_WORDS, base_of, digits, kind_of, verified
from conversions.networks.notifications import read_click_id, read_word, tid_of, values_in, without
from conversions.networks.record import PostbackRecord
from conversions.networks.values import read_amount, read_status, shortened
from offers.formats import Format
from offers.models import Network

SIGNED = ("paykey", "customer_email", "product_name", "transaction_type", "date")
BUYER = ("customer_", "delivery_")
AFFILIATE = "AFFILIATES"
CRITICAL = frozenset({*SIGNED, "transaction_id", "total", "transactionpayouts", "other_params", "tid"})

FORMAT = Format(
    name="jvzoo_v2",
    label="JVZoo JVZIPN, version 2 (partly signed)",
    help="In JVZoo open the product's Advanced Settings, choose JVZIPN and enter the URL as JVZIPN V2 URL. The secret "
    "key is created under My Account, Seller Settings. Offer links carry our click id as tid. JVZoo signs neither the "
    "amount nor the click id in this version, so keep the postback's address to yourself; version 1 signs everything. "
    "Chargebacks arrive as refunds. Amounts are US dollars.",
    link_parameter="tid",
    status_words=STATUS_WORDS,
    key_label="JVZIPN secret key",
    key_help="The secret key of your JVZoo account, from My Account, Seller Settings.",
)


def open(call: Call, keys: Sequence[str]) -> Pairs:
    """The parameters without the buyer's name and address. Raises SignatureError and UnreadableCallError."""
    return without(verified(call, keys, sign), SIGNATURE, buyer=BUYER)


def sign(pairs: Pairs, key: str) -> str:
    """The eight upper-case hex digits of what is signed."""
    params = dict(pairs)
    return digits("|".join([*(params.get(name, "") for name in SIGNED), key]).encode())


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a notification. Raises PostbackRefusedError with the reason."""
    word = read_word(params, "transaction_type")
    status, kind = read_status(word, network)
    passed = params.get("other_params", "")
    amount = read_amount("total", params.get("total", ""))
    transaction_id = params.get("transaction_id", "").strip()
    return PostbackRecord(
        click_id=read_click_id([tid_of(passed), params.get("tid", "")], values_in(passed)),
        transaction_id=shortened(transaction_id),
        event="",
        status=status,
        payout=payout_of(params.get("transactionPayouts", "")),
        amount=amount,
        currency="USD",
        occurred_at=None,
        kind=kind or kind_of(transaction_id, "", status),
        parent=shortened(base_of(transaction_id)),
        fact=f"{word.upper()} {'' if amount is None else abs(amount)}",
    )


def payout_of(text: str) -> Decimal | None:
    """What the affiliates got together; None where the payouts do not say it. Raises PostbackRefusedError."""
    try:
        payouts = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    entries = [entry for entry in payouts if is_affiliates(entry)] if isinstance(payouts, list) else []
    amounts = [read_amount("payee_amount", str(entry.get("payee_amount", ""))) for entry in entries]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def is_affiliates(entry: Any) -> bool:
    return isinstance(entry, dict) and str(entry.get("payout_type", "")).strip().upper() == AFFILIATE


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """The notification of a sale, signed with `key`."""
    payouts = [{"payee_amount": "10.00", "payout_type": AFFILIATE}]
    sale = {
        "paykey": f"AP-TEST{number}", "transaction_id": f"TESTSALE{number}", "transaction_type": "SALE",
        "total": "20.00", "date": "2026-01-15 10:00:00", "product_name": "Test", "other_params": f"tid={click_id}",
        "transactionPayouts": orjson.dumps(payouts).decode(),
    }  # fmt: skip
    signed = {**sale, SIGNATURE: sign(list(sale.items()), key)}
    return Call("POST", "", urlencode(signed).encode(), "application/x-www-form-urlencoded")
