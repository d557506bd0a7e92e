"""What a page says of an event: a closed set of properties, each read strictly. What can't be read is left out.

Source: TikTok's Events API parameter table; both legs carry the same, so the Pixel gets what comes out of here too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from conversions.identity import HIDDEN, hide_beginning
from conversions.visitor import clean_text
from offers.vocabulary import CURRENCIES

MAX_VALUE = Decimal("1e9")
MAX_CONTENTS = 50
TEXT_LENGTH = 200
CENT = Decimal("0.01")
PHONE_NUMBER = re.compile(r"\+\d[\d ().\-/]{6,20}\d")
CONTENT_TYPES = ("product", "product_group")
Readers = dict[str, Callable[[Any], Any]]
Found = TypeVar("Found")


@dataclass(frozen=True)
class PageProperties:
    """`value` in units of `currency`, which is one that TikTok takes; None and "" when the page gave none."""

    value: Decimal | None = None
    currency: str = ""
    others: dict[str, Any] = field(default_factory=dict)


def read_properties(given: Mapping[str, Any], currency: str) -> PageProperties:
    """The page's properties; a value without a currency is in `currency`, the offer's."""
    value = read_value(given.get("value"))
    named = (read_text(given.get("currency")) or currency).upper()
    if value is None or named not in CURRENCIES:
        value, named = None, ""
    return PageProperties(value, named, read_each(given, READERS))


def read_each(given: Mapping[str, Any], readers: Readers) -> dict[str, Any]:
    """What the readers make of the properties that they are for."""
    read = ((name, reader(given[name])) for name, reader in readers.items() if given.get(name) not in (None, ""))
    return {name: found for name, found in read if found not in (None, "", [])}


def read_value(given: Any) -> Decimal | None:
    """A plain number of at most a thousand million, to the cent; None for anything else, also for one below zero."""
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal) or len(written(given)) > 30:
        return None
    try:
        value = Decimal(written(given).strip())
    except InvalidOperation:
        return None
    return value.quantize(CENT) if value.is_finite() and 0 <= value <= MAX_VALUE else None


def read_words(given: Any) -> str:
    """Text that a visitor may have typed; international phone numbers are left out of it, too."""
    return PHONE_NUMBER.sub(HIDDEN, read_text(given))


def read_text(given: Any) -> str:
    """Text without personal data; numbers are written out, as TikTok wants ids to be text."""
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        return ""
    return hide_beginning(clean_text(written(given), 4 * TEXT_LENGTH).strip(), TEXT_LENGTH)


def written(value: Any) -> str:
    """The value as text; empty for a number of so many digits that Python refuses to write it."""
    try:
        return str(value)
    except ValueError:
        return ""


def read_count(given: Any) -> int | None:
    """A whole number from 1 to a million."""
    value = read_value(given)
    return int(value) if value is not None and value == int(value) and 1 <= value <= 1_000_000 else None


def read_price(given: Any) -> float | None:
    value = read_value(given)
    return None if value is None else float(value)


def read_content_type(given: Any) -> str:
    return given if given in CONTENT_TYPES else ""


def read_ids(given: Any) -> list[str]:
    return read_all(given, read_text)


def read_contents(given: Any) -> list[dict[str, Any]]:
    """The things that the event is about."""
    return read_all(given, read_content)


def read_all(given: Any, reader: Callable[[Any], Found]) -> list[Found]:
    """At most fifty of a list; one alone may come without it."""
    several = given if isinstance(given, list | tuple) else [given]
    return list(filter(None, map(reader, several[:MAX_CONTENTS])))


def read_content(given: Any) -> dict[str, Any]:
    """One thing; without its id it is none, as TikTok finds it by that alone."""
    if not isinstance(given, Mapping):
        return {}
    content = read_each(given, CONTENT_READERS)
    return content if "content_id" in content else {}


CONTENT_READERS: Readers = {
    "content_id": read_text,
    "content_name": read_text,
    "content_category": read_text,
    "brand": read_text,
    "price": read_price,
    "quantity": read_count,
}
READERS: Readers = {
    "contents": read_contents,
    "content_ids": read_ids,
    "content_type": read_content_type,
    "description": read_words,
    "search_string": read_words,
    "order_id": read_text,
    "num_items": read_count,
}
