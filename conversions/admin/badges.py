"""How states of recorded rows look; colour by what a person should feel about them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from conversions.models import Click, Consent, ConsentRecord, Conversion, Postback
from conversions.outcomes import GOOD, Outcome
from offers.admin_parts import badge

STATUS_TONES = {
    Conversion.Status.TRACKED: "busy",
    Conversion.Status.PENDING: "warn",
    Conversion.Status.APPROVED: "good",
    Conversion.Status.REJECTED: "calm",
    Conversion.Status.PARTIAL: "warn",
    Conversion.Status.REFUNDED: "bad",
    Conversion.Status.CHARGEBACK: "bad",
}
CONSENT_TONES = {Consent.GRANTED: "good", Consent.UNKNOWN: "calm", Consent.DENIED: "warn", Consent.WITHDRAWN: "warn"}
OUTCOME_TONES = {Outcome.RECEIVED: "busy", Outcome.DUPLICATE: "calm", Outcome.UNMATCHED_CLICK: "warn"}

# Deliveries belong to the app on our right, so their states are known here by name only.
DELIVERY_TONES = {"waiting": "busy", "leased": "busy", "accepted": "good", "held": "warn", "dead": "bad"}
VERDICT_TONES = {"accepted": "good", "throttled": "warn", "transient": "warn", "unknown": "warn"}


def status_badge(conversion: Conversion) -> SafeString:
    return badge(conversion.get_status_display(), STATUS_TONES.get(Conversion.Status(conversion.status), "calm"))


def consent_badge(click: Click) -> SafeString:
    return answer_badge(click.consent)


def answer_badge(answer: str) -> SafeString:
    consent = Consent(answer)
    return badge(consent.label, CONSENT_TONES.get(consent, "calm"))


def answer_shown(record: ConsentRecord) -> SafeString:
    """The answer; of one that is not in force, why."""
    shown = answer_badge(record.state)
    return format_html("{} overtaken by a newer answer", shown) if record.was_overtaken else shown


def robot_badge(click: Click) -> SafeString | str:
    return badge(click.get_robot_display(), "warn") if click.robot else ""


def outcome_badge(postback: Postback) -> SafeString:
    outcome = Outcome(postback.outcome)
    return badge(outcome.label, OUTCOME_TONES.get(outcome, "good" if outcome in GOOD else "bad"))


def delivery_badge(delivery: Any) -> SafeString:
    return badge(delivery.get_status_display(), DELIVERY_TONES.get(delivery.status, "calm"))


def verdict_badge(attempt: Any) -> SafeString:
    return badge(attempt.get_verdict_display(), VERDICT_TONES.get(attempt.verdict, "bad"))


def told_badges(conversion: Conversion, deliveries: Iterable[Any]) -> SafeString:
    """What has become of telling TikTok; a conversion may have several deliveries."""
    badges = [(delivery_badge(delivery),) for delivery in deliveries]
    if badges:
        return format_html_join(" ", "{}", badges)
    return badge("To be decided", "busy") if conversion.planned_at is None else badge("Nothing to tell yet", "calm")


def money(amount: Decimal | None, currency: str) -> str:
    return "–" if amount is None else f"{amount}\N{NO-BREAK SPACE}{currency}".strip()
