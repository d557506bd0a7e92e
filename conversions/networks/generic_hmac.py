"""The generic format with a signature, for senders of your own: HMAC-SHA256 over all parameters, in `sig`.

What is signed is every parameter but `sig`, of query and body together, as `key=value` with the raw values, sorted by
key as bytes and joined by `&`; the signature is lower-case hex. A value can't hold `&`, nor a name `&` or `=`.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from conversions.calls import Call, Pairs, SignatureError
from conversions.networks import generic
from conversions.networks.generic import read
from conversions.networks.signing import any_key
from conversions.reading import read_pairs
from offers.models import Network

__all__ = ["CRITICAL", "FORMAT", "example", "open", "read"]

SIGNATURE = "sig"
CRITICAL = generic.CRITICAL | {SIGNATURE}
FORMAT = replace(
    generic.FORMAT,
    name="generic_hmac",
    label="Generic, HMAC-signed",
    help="For senders that you control. They sign each call: all parameters but sig as key=value, sorted by key, "
    "joined by &, HMAC-SHA256 with the key below, as hexadecimal digits in the parameter sig.",
    macros={**generic.FORMAT.macros, "sig": "{sig}"},
    key_label="HMAC key",
    key_help="Any text. The sender signs with the same one.",
)


def open(call: Call, keys: Sequence[str]) -> Pairs:
    """The parameters without the signature. Raises SignatureError, and UnreadableCallError for what has none."""
    pairs = read_pairs(call)
    given = [value.strip().lower() for name, value in pairs if name.casefold() == SIGNATURE]
    if len(given) != 1:
        raise SignatureError("There is no sig." if not given else "There is more than one sig.")
    rest = [(name, value) for name, value in pairs if name.casefold() != SIGNATURE]
    if any("&" in name + value or "=" in name for name, value in rest):
        raise SignatureError("A name or value holds & or a name =, so what is signed could be read in two ways.")
    if not any_key(keys, given[0], lambda key: sign(rest, key)):
        raise SignatureError("sig is not that of these parameters under any live key.")
    return rest


def sign(pairs: Pairs, key: str) -> str:
    """The lower-case hex HMAC-SHA256 of the parameters."""
    ordered = sorted((name.encode(), value.encode()) for name, value in pairs)
    canonical = b"&".join(name + b"=" + value for name, value in ordered)
    return hmac.new(key.encode(), canonical, hashlib.sha256).hexdigest()


def example(network: Network, click_id: str, key: str, number: int = 1) -> Call:
    """The generic example with its signature."""
    pairs = read_pairs(generic.example(network, click_id, key, number))
    return Call("GET", urlencode([*pairs, (SIGNATURE, sign(pairs, key))]))
