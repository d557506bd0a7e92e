"""Everything that is known about one conversion: what TikTok was told, the ledger, the postbacks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from conversions.admin.badges import delivery_badge, money, outcome_badge, status_badge, verdict_badge
from conversions.models import Conversion, Enrichment, LedgerEntry
from offers.admin_parts import admin_link, moment, mono, sentences, shortened, table

ATTEMPT_HEADERS = ["Started", "Verdict", "HTTP", "Code", "TikTok's message", "TikTok's request id", "Took"]
LEDGER_HEADERS = ["Happened", "What", "Payout", "Sale amount", "Recorded", "Postback"]
BESIDE_HEADERS = ["Told", "Margin", "Lifetime value", "Segment", "Lead quality", "Recorded", "Postback"]
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
        return sentences(f"TikTok took it at {moment(delivery.accepted_at)}", delivery.value_in_words)
    if delivery.reason:
        return sentences(delivery.get_reason_display(), delivery.detail, delivery.advice)
    if delivery.pixel.paused_by:
        return "The pixel is paused. It is sent when the pixel resumes."
    if delivery.status == "waiting":
        words = f"It is sent at the next chance, not before {moment(delivery.next_attempt_at)}"
        return sentences(words, delivery.value_in_words)
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


def beside_table(conversion: Conversion, tellings: Iterable[Enrichment]) -> SafeString:
    """What was told beside the money, one line each; the newest of each fact stands."""
    rows = [
        [
            moment(telling.told_at),
            money(telling.margin, telling.currency or conversion.currency),
            money(telling.lifetime_value, telling.currency or conversion.currency),
            telling.segment or "–",
            telling.lead_quality or "–",
            moment(telling.created_at),
            admin_link(telling.postback) if telling.postback else "no longer kept",
        ]
        for telling in tellings
    ]
    return table(BESIDE_HEADERS, rows, "")


def beside_note(conversion: Conversion, tellings: Sequence[Enrichment], deliveries: Iterable[Any]) -> str:
    """Which of it stands, and what came too late for TikTok."""
    standing = ", ".join(beside_words(conversion)) or "nothing: it came in another currency, or was erased"
    accepted = min((d.accepted_at for d in deliveries if d.accepted_at), default=None)
    late = accepted and any(telling.created_at > accepted for telling in tellings)
    words = f"What came after {moment(accepted)} changed nothing at TikTok, which had taken the event by then"
    return sentences(f"The newest of each stands: {standing}", words if late else "")


def beside_words(conversion: Conversion) -> list[str]:
    """The facts that stand beside the conversion's money, in words."""
    words = [("segment", conversion.segment), ("lead quality", conversion.lead_quality)]
    amounts = [("margin", conversion.margin), ("lifetime value", conversion.lifetime_value)]
    said = [f"{name} “{word}”" for name, word in words if word]
    return said + [f"{name} {money(amount, conversion.currency)}" for name, amount in amounts if amount is not None]


def value_cell(conversion: Conversion) -> SafeString | str:
    """A conversion's money as a list shows it, with what is known beside it in lines below."""
    value, words = money(conversion.money, conversion.currency), beside_words(conversion)
    lines = format_html_join("", '<br><span class="text-xs whitespace-nowrap">{}</span>', ((word,) for word in words))
    return format_html("{}{}", value, lines) if words else value


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
