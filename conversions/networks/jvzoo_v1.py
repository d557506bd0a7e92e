"""JVZoo's JVZIPN, version 1: a signed form.

Source: JVZoo's “JVZIPN: How to create your own integrated script” and a notification in public code whose cverify has
been computed here. cverify is the upper-case first 8 digits of the SHA-1 of all other values, empty ones included, in
the order of their names, each with a | behind it, then the secret key, in UTF-8. The names are not signed, only their
order. Anything but a 200 is repeated hourly for 72 hours.

What the fields say:
- ctransamount is “the amount paid to the party receiving the notification”, in pennies. The real ones seen have a point
  (1.00 for a sale of a dollar). Pennies have none, so such an amount is dollars.
- ctransreceipt is the receipt of the payment, also of the one that is taken back; cupsellreceipt is that of the sale
  before an upsell. A rebill's receipt ends in -B001, says version 2; a BILL without that keeps its receipt, and what
  was sold tells it from the sale. Two rebills under one receipt would count once; nobody has shown such ones.
- Our click id is tid of the link, which comes in cvendthru, a query, or in caffitid.
- ctranstime is in Unix seconds. Whether a refund's is its own is not said, so it dates payments only.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from urllib.parse import urlencode

from conversions import clock
from conversions.calls import Call, Pairs, SignatureError
from conversions.models import Conversion
from conversions.networks.notifications import body_of, read_click_id, read_word, tid_of, values_in, without
from conversions.networks.record import PostbackRecord
from conversions.networks.signing import any_key
from conversions.networks.values import read_amount, read_status, read_time, shortened
from offers.formats import Format
from offers.models import Network
from offers.models.network import PostbackStatus

SIGNATURE = "cverify"
DIGITS = 8
BUYER = ("ccust",)
REQUIRED = frozenset({"ctransaction", "ctransamount", "ctransreceipt"})
TRANSACTION = REQUIRED | {"ctransaffiliate", "ctranspaymentmethod", "ctranstime", "ctransvendor"}
CENT = Decimal("0.01")
CRITICAL = frozenset({"ctransaction", "ctransamount", "ctransreceipt", "cupsellreceipt", "cvendthru", "caffitid"})

STATUS_WORDS = {
    "SALE": "approved", "BILL": "rebill", "RFND": "refunded", "CGBK": "chargeback", "INSF": "chargeback",
    "CANCEL-REBILL": "ignored", "UNCANCEL-REBILL": "ignored",
    "TEST": "test", "TEST_SALE": "test", "TEST_BILL": "test", "TEST_RFND": "test",
}  # fmt: skip
FORMAT = Format(
    name="jvzoo_v1",
    label="JVZoo JVZIPN, version 1 (signed)",
    help="In JVZoo open the product's Advanced Settings, choose JVZIPN and enter the URL as JVZIPN URL (not as V2). "
    "The secret key is created under My Account, Seller Settings. Offer links carry our click id as tid. Amounts are "
    "US dollars. The signature has 32 bits only, so keep the address of the postback to yourself.",
    link_parameter="tid",
    status_words=STATUS_WORDS,
    key_label="JVZIPN secret key",
    key_help="The secret key of your JVZoo account, from My Account, Seller Settings.",
)


def open(call: Call, keys: Sequence[str]) -> Pairs:
    """The signed parameters without the buyer's name. Raises SignatureError and UnreadableCallError."""
    pairs = verified(call, keys, sign)
    refuse_renamed({name for name, _ in pairs})
    return without(pairs, SIGNATURE, buyer=BUYER, email="ccustemail")


def verified(call: Call, keys: Sequence[str], sign: Callable[[Pairs, str], str]) -> Pairs:
    """The body's parameters whose cverify is what `sign` makes of them. Raises SignatureError, UnreadableCallError."""
    pairs = body_of(call)
    given = dict(pairs).get(SIGNATURE, "").strip().upper()
    if not given:
        raise SignatureError("There is no cverify.")
    if not any_key(keys, given, lambda key: sign(pairs, key)):
        raise SignatureError("cverify is not that of these parameters under any live key.")
    return pairs


def refuse_renamed(names: set[str]) -> None:
    """Raises SignatureError where values have been moved to other names: signed are the values in their order only.

    Names that JVZoo may add elsewhere are let through, so this narrows what can be moved and does not end it; the
    secret address is the second proof.
    """
    strange = [name for name in names if name.lower().startswith("ctrans") and name not in TRANSACTION]
    if strange or not names >= REQUIRED:
        raise SignatureError("The names are not those that JVZoo sends, and cverify does not cover them.")


def sign(pairs: Pairs, key: str) -> str:
    """The eight upper-case hex digits of the parameters."""
    ordered = sorted((name.encode(), value.encode()) for name, value in pairs if name != SIGNATURE)
    return digits(b"".join(value + b"|" for _, value in ordered) + key.encode())


def digits(signed: bytes) -> str:
    """The beginning of the SHA-1, as JVZoo writes it."""
    return hashlib.sha1(signed, usedforsecurity=False).hexdigest()[:DIGITS].upper()


def read(params: Mapping[str, str], network: Network) -> PostbackRecord:
    """The neutral record of a notification. Raises PostbackRefusedError with the reason."""
    word = read_word(params, "ctransaction")
    status, kind = read_status(word, network)
    passed = params.get("cvendthru", "")
    payout = read_pennies(params.get("ctransamount", ""))
    receipt, before = (params.get(name, "").strip() for name in ("ctransreceipt", "cupsellreceipt"))
    parent = before if before != receipt else ""
    is_payment = status == PostbackStatus.APPROVED
    return PostbackRecord(
        click_id=read_click_id([tid_of(passed), params.get("caffitid", "")], values_in(passed)),
        transaction_id=shortened(receipt),
        event="",
        status=status,
        payout=payout,
        amount=None,
        currency="USD",
        occurred_at=read_time(params.get("ctranstime", "")) if is_payment else None,
        kind=kind or kind_of(receipt, parent, status),
        parent=shortened(base_of(receipt) or parent),
        fact=f"{word.upper()} {'' if payout is None else abs(payout)}",
    )


def kind_of(receipt: str, parent: str, status: str) -> str:
    """What was sold; of a reversal empty where nothing says it."""
    if base_of(receipt):
        return Conversion.Kind.REBILL.value
    if parent:
        return Conversion.Kind.UPSELL.value
    return Conversion.Kind.SALE.value if status == PostbackStatus.APPROVED else ""


def base_of(receipt: str) -> str:
    """The receipt of the sale that a rebill's receipt continues; empty for a receipt of another form."""
    base, dash, number = receipt.rpartition("-B")
    return base if dash and number.isascii() and number.isdigit() else ""


def read_pennies(text: str) -> Decimal | None:
    """The amount in dollars. Raises PostbackRefusedError."""
    amount = read_amount("ctransamount", text)
    is_dollars = amount is None or "." in text or "," in text
    return amount if is_dollars or amount is None else (amount * CENT).quantize(CENT)


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """The notification of a sale, signed with `key`."""
    sale = {
        "ctransaction": "SALE", "ctransreceipt": f"TESTSALE{number}", "ctransamount": "1000",
        "ctranstime": str(int(clock.now().timestamp())),
        "cproditem": "1", "cprodtype": "STANDARD", "cupsellreceipt": "", "caffitid": "", "cvendthru": f"tid={click_id}",
    }  # fmt: skip
    signed = {**sale, SIGNATURE: sign(list(sale.items()), key)}
    return Call("POST", "", urlencode(signed).encode(), "application/x-www-form-urlencoded")
