"""What formats with a signature share: comparing in constant time, against each live key."""

import hmac
from collections.abc import Callable, Sequence

from conversions.calls import SignatureError


def any_key(keys: Sequence[str], given: str, expected: Callable[[str], str]) -> bool:
    """Whether `given` is what one of the live keys makes; every key is tried, whatever the first one says.

    Raises SignatureError when the network has no key.
    """
    require_keys(keys)
    matches = [hmac.compare_digest(given.encode(), expected(key).encode()) for key in keys]
    return any(matches)


def require_keys(keys: Sequence[str]) -> None:
    """Raises SignatureError when the network has no key."""
    if not keys:
        raise SignatureError("This network has no key yet, so nothing proves that the call is its own.")
