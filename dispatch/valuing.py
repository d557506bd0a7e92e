"""The value that TikTok is told in place of the rule's own: what is known of the conversion beside its money.

What replaced what is on record with the delivery: `by` and, of a segment or a lead quality, its `word`; `value` and
`currency` of the replacement; `instead_of`, what would have been told, from the `source`. Where the replacement is
known and is not told, `refused` says why, and `instead_of` is what is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from conversions.models import Conversion
from dispatch.money import Told
from offers.models import EventRule

Enrichment = EventRule.Enrichment
SOURCES = {"payout": "the payout", "amount": "the sale amount", "fixed": "the fixed value", "none": "the page's value"}
PIXEL = "pixel"
REFUSALS = {
    PIXEL: "the Pixel tells a value by the page's rule, and TikTok keeps the first copy",
    "negative": "TikTok takes no value below zero",
    "unknown_word": "the event rule has no value for it",
}
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Sent:
    """Whether TikTok may hold a copy already, and what had replaced its value then."""

    is_there: bool
    valued: Record | None = None


NOT_SENT = Sent(is_there=False)


def known_beside(conversion: Conversion, rule: EventRule) -> dict[str, Any] | None:
    """The record of what the rule would have replace the value; None where it says nothing or nothing is known."""
    known = getattr(conversion, rule.replaced_by) if rule.replaced_by else None
    if known in (None, ""):
        return None
    if not rule.is_replaced_by_word:
        return {"by": rule.replaced_by, "value": f"{known:f}", "currency": conversion.currency}
    worth = rule.worth_of(known)
    return {
        "by": rule.replaced_by,
        "word": known,
        "value": None if worth is None else f"{worth:f}",
        "currency": rule.offer.currency,
    }


def replaced(told: Told, conversion: Conversion, rule: EventRule, refused: str = "") -> Told:
    """What is told as the rule's replacement has it; `refused` is why it can't be, if that is known already."""
    known = known_beside(conversion, rule)
    if known is None:
        return told
    source = rule.value_source if told.value is not None else ""
    instead_of = {"value": None if told.value is None else f"{told.value:f}", "currency": told.currency}
    record = {**known, "source": source, "instead_of": instead_of}
    reason = refused or why_not(known["value"])
    return as_recorded(told, {**record, "refused": reason} if reason else record)


def why_not(value: str | None) -> str:
    if value is None:
        return "unknown_word"
    return "negative" if Decimal(value) < 0 else ""


def as_recorded(told: Told, record: Record | None) -> Told:
    """What is told by the record, whatever is known by now: a copy that TikTok may hold keeps its value."""
    if record is None or record.get("refused"):
        return replace(told, valued=record)
    return Told(Decimal(record["value"]), record["currency"], valued=record)


def in_words(record: Record, verb: str) -> str:
    """The record as people read it; `verb` says whether TikTok has been told, will be, or would be."""
    name = Enrichment(record["by"]).label.lower()
    subject = f"{name} “{record['word']}”" if record.get("word") else name
    other = record["instead_of"]
    money = f"{Decimal(other['value']):,} {other['currency']}" if other["value"] is not None else ""
    usual = f"{SOURCES.get(record['source'], 'the value')} {money}" if money else "no value"
    if record.get("refused"):
        worth = f", {Decimal(record['value']):,} {record['currency']}," if record["value"] is not None else ""
        return f"The {subject}{worth} does not replace {usual}: {REFUSALS[record['refused']]}."
    return f"{verb} {Decimal(record['value']):,} {record['currency']} for {subject}, instead of {usual}."
