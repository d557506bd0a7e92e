"""What an exported delivery says."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from conversions.export_columns import hashes, visitor, yes_or_no
from conversions.exporting import Column


def of_replacement(name: str, kind: Callable[[str], Any] = str) -> Callable[[Mapping[str, Any] | None], Any]:
    """One part of the record of what replaced the value; nothing where nothing did."""
    return lambda record: kind(record[name]) if record and not record.get("refused") else None


def of_record(name: str, kind: Callable[[str], Any] = str) -> Callable[[Mapping[str, str] | None], Any]:
    """One part of the record of a converted value; nothing for what was sent as it came."""
    return lambda record: kind(record[name]) if record else None


DELIVERIES = [
    Column("Delivery", "id", str),
    Column("event_id", "event_id"),
    Column("Event", "event_name"),
    Column("Status", "status"),
    Column("Reason", "reason"),
    Column("Detail", "detail"),
    Column("Pixel", "pixel__name"),
    Column("Pixel code", "pixel__code"),
    Column("Offer", "conversion__offer__name"),
    Column("Click id", "conversion__click_id"),
    Column("Transaction id", "conversion__transaction_id"),
    Column("Payout", "conversion__payout"),
    Column("Sale amount", "conversion__amount"),
    Column("Currency", "conversion__currency"),
    Column("Value replaced by", "valued", of_replacement("by")),
    Column("Replacing value", "valued", of_replacement("value", Decimal)),
    Column("Replacing currency", "valued", of_replacement("currency")),
    Column("Converted to", "converted", of_record("value", Decimal)),
    Column("Converted currency", "converted", of_record("into")),
    Column("Exchange rate", "converted", of_record("rate", Decimal)),
    Column("Rate of", "converted", of_record("valid_on")),
    Column("Rate's source", "converted", of_record("source")),
    Column("Happened", "conversion__occurred_at", is_time=True),
    Column("Planned", "created_at", is_time=True),
    Column("First sent", "first_sent_at", is_time=True),
    Column("Accepted", "accepted_at", is_time=True),
    Column("Next attempt", "next_attempt_at", is_time=True),
    Column("Attempts", "attempts"),
    Column("Outcome unknown", "maybe_accepted", yes_or_no),
    Column("Decision", "decision"),
    Column("Decided", "decided_at", is_time=True),
    Column("Test", "is_test", yes_or_no),
    *hashes("conversion__"),
    *visitor("conversion__click__"),
]
