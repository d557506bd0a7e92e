"""Our own click id: what travels through the network's sub-id."""

import re
import secrets
import time
from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
CLICK_ID = re.compile(r"[a-z0-9]{26}")


def new_click_id() -> str:
    """26 characters [a-z0-9]: 48 bits of milliseconds, then 80 bits from the CSPRNG, so ids sort by time.

    Lower case and without dashes, because the tightest networks take nothing else in a sub-id.
    """
    return spelled((time.time_ns() // 1_000_000) << 80 | secrets.randbits(80))


def first_click_id(moment: datetime) -> str:
    """The smallest id that can be made at an aware moment."""
    return spelled(int(moment.timestamp() * 1000) << 80)


def spelled(number: int) -> str:
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def is_click_id(text: str) -> bool:
    """Whether `text` has the form of a click id of ours."""
    return CLICK_ID.fullmatch(text) is not None
