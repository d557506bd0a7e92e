"""Everything that is known about one conversion: what TikTok was told, the ledger, the postbacks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from conversions.admin.badges import delivery_badge, money, outcome_badge, status_badge, verdict_badge
from conversions.models import Conversion, LedgerEntry
from offers.admin_parts import admin_link, moment, mono, sentences, shortened, table

ATTEMPT_HEADERS = ["Started", "Verdict", "HTTP", "Code", "TikTok's message", "TikTok's request id", "Took"]
LEDGER_HEADERS = ["Happened", "What", "Payout", "Sale amount", "Recorded", "Postback"]
POSTBACK_HEADERS = ["Received", "Outcome", "Transaction", "Detail", "Postback"]
CONVERSION_HEADERS = ["Recorded", "Event", "Status", "Value", "Transaction", "event_id"]


@dataclass(frozen=True)
class ToldStory:
    """One delivery with its attempts, and in a sentence why it was or was not sent."""

    badge: SafeString
    link: str
    pixel: str
    why: str
    attempts: SafeString


def told(conversion: Conversion) -> list[ToldStory]:
    """The deliveries of a conversion with their attempts, in a constant number of queries."""
    deliveries = conversion.deliveries.select_related("pixel").prefetch_related("attempt_log").order_by("pk")
    return [
        ToldStory(
            badge=delivery_badge(delivery),
            link=admin_link(delivery, f"Delivery {delivery.pk}"),
            pixel=str(delivery.pixel),
            why=why(delivery),
            attempts=attempt_table(delivery),
        )
        for delivery in deliveries
    ]


def why(delivery: Any) -> str:
    """Why the delivery is where it is, and what to do about it."""
    if delivery.status == "accepted":
        return f"TikTok took it at {moment(delivery.accepted_at)}."
    if delivery.reason:
        return sentences(delivery.get_reason_display(), delivery.detail, delivery.advice)
    if delivery.pixel.paused_by:
        return "The pixel is paused. It is sent when the pixel resumes."
    if delivery.status == "waiting":
        return f"It is sent at the next chance, not before {moment(delivery.next_attempt_at)}."
    return str(delivery.decision)


def attempt_table(delivery: Any) -> SafeString:
    rows = [
        [
            moment(attempt.started_at),
            verdict_badge(attempt),
            "–" if attempt.http_status is None else str(attempt.http_status),
            "–" if attempt.code is None else str(attempt.code),
            mono(attempt.message),
            mono(attempt.request_id),
            f"{attempt.duration_ms:,}\N{NO-BREAK SPACE}ms",
        ]
        for attempt in delivery.attempt_log.all()
    ]
    none = "Its attempts are too old to be kept." if delivery.attempts else "It has not been sent to TikTok so far."
    return table(ATTEMPT_HEADERS, rows, none)


def ledger_table(entries: Iterable[LedgerEntry]) -> SafeString:
    rows = [
        [
            moment(entry.occurred_at),
            entry.get_kind_display(),
            money(entry.payout, entry.currency),
            money(entry.amount, entry.currency),
            moment(entry.created_at),
            admin_link(entry.postback),
        ]
        for entry in entries
    ]
    return table(LEDGER_HEADERS, rows, "No postback has spoken of this conversion so far; a page called it.")


def postback_table(conversion: Conversion, was_called: bool) -> SafeString:
    rows = [
        [
            moment(postback.received_at),
            outcome_badge(postback),
            mono(postback.transaction_id),
            postback.detail or "–",
            admin_link(postback),
        ]
        for postback in conversion.postbacks.order_by("pk")
    ]
    none = "The network's calls are too old to be kept; the ledger has what they said."
    return table(
        POSTBACK_HEADERS, rows, none if was_called else "The network has not called for this conversion so far."
    )


def conversion_table(conversions: Iterable[Conversion]) -> SafeString:
    rows = [
        [
            moment(conversion.created_at),
            admin_link(conversion, conversion.event_name),
            status_badge(conversion),
            money(conversion.money, conversion.currency),
            mono(shortened(conversion.transaction_id)),
            mono(conversion.event_id),
        ]
        for conversion in conversions
    ]
    return table(CONVERSION_HEADERS, rows, "This click has led to no conversion so far.")
