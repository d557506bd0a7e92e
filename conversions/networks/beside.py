"""What a postback may tell beside the money: margin, lifetime value, segment, lead quality. None of it costs a sale."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from conversions.identity import HIDDEN
from conversions.networks.record import NOTHING_BESIDE, Beside, PostbackRefusedError
from conversions.networks.values import is_macro, read_amount, read_time

LONGEST_WORD = 50
LABELS = {"margin": "margin", "lifetime_value": "lifetime value", "segment": "segment", "lead_quality": "lead quality"}
MONEY, WORDS = ("margin", "lifetime_value"), ("segment", "lead_quality")


def read_beside(given: Mapping[str, str]) -> Beside:
    """What was told beside the money; what can't be read is left out, and said in `unread`.

    `given` has a text for each of our fields. `uploaded` is the time of the file that it stood in, if it was one.
    """
    if not any(map(given.get, LABELS)):
        return NOTHING_BESIDE
    texts = {name: text for name in LABELS if (text := given.get(name, "").strip()) and HIDDEN not in text}
    unread: list[str] = []
    told: dict[str, Any] = {name: read_one(name, text, unread) for name, text in texts.items()}
    return Beside(
        **{name: value for name, value in told.items() if value is not None},
        currency=given.get("currency", "").strip().upper(),
        told_at=read_time(given.get("uploaded", "")),
        unread=" ".join(unread),
    )


def read_one(name: str, text: str, unread: list[str]) -> Decimal | str | None:
    """One fact; None with a sentence added to `unread` when it says nothing."""
    if is_macro(text):
        unread.append(f"The {LABELS[name]} is left out: it came as {text[:60]} instead of a value.")
        return None
    if name in WORDS:
        return " ".join(text.split())[:LONGEST_WORD]
    try:
        return read_amount(name, text)
    except PostbackRefusedError:
        unread.append(f"The {LABELS[name]} is left out: “{text[:60]}” is not a plain number.")
        return None
