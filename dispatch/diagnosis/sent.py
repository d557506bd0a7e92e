"""The timeline from planning to TikTok's answer: deliveries, attempts, decisions of people, credentials, pauses."""

from collections.abc import Iterator
from datetime import timedelta

from conversions.identity import hide_inside
from dispatch.diagnosis.case import Case, said
from dispatch.diagnosis.moments import Moment, Stage, about, sentence
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.tiktok.codes import Verdict, meaning_of

Status = Delivery.Status
TONES = {Status.HELD: "warn", Status.DEAD: "bad", Status.SUPPRESSED: "calm", Status.DISCARDED: "calm"}
VERDICT_TONES = {
    Verdict.ACCEPTED: "good",
    Verdict.THROTTLED: "warn",
    Verdict.TRANSIENT: "warn",
    Verdict.UNKNOWN: "warn",
}


def of_delivery(case: Case, delivery: Delivery) -> Iterator[Moment]:
    """The plan as it stands, every attempt, and what a person decided."""
    yield plan_of(delivery)
    attempts = case.evidence.attempts[delivery.pk]
    for attempt in attempts:
        yield of_attempt(attempt, delivery)
    if delivery.first_sent_at and not attempts and delivery.status != Status.ACCEPTED:
        words = "A worker took it. No answer of TikTok is on record."
        yield Moment(delivery.first_sent_at, Stage.ATTEMPT, "First taken to be sent", words, "busy")
    if delivery.accepted_at and not attempts:
        words = "The attempt itself is too old to be kept."
        yield about(
            delivery, delivery.accepted_at, Stage.ATTEMPT, f"TikTok accepted {delivery.event_name}", words, "good"
        )
    if delivery.decided_at:
        title = f"{delivery.decided_by or 'Somebody'} decided"
        yield about(delivery, delivery.decided_at, Stage.DECISION, title, hide_inside(delivery.decision))


def plan_of(delivery: Delivery) -> Moment:
    """Planning keeps its newest decision only, at the time of its first."""
    status = Status(delivery.status)
    if status in TONES and delivery.reason:
        title = f"{status.label}: {delivery.get_reason_display().lower()}"
    else:
        title = f"To be told to {delivery.pixel.name}"
    test = "With the pixel's test event code." if delivery.is_test else ""
    words = sentence(said(delivery.detail), delivery.conversion_of_money, delivery.value_in_words, test)
    return about(delivery, delivery.created_at, Stage.PLANNING, title, words, TONES.get(status, "calm"))


def of_attempt(attempt: DeliveryAttempt, delivery: Delivery) -> Moment:
    verdict = Verdict(attempt.verdict)
    accepted = verdict == Verdict.ACCEPTED
    title = f"TikTok accepted {delivery.event_name}" if accepted else f"Sent: {verdict.label.lower()}"
    code = f"code {attempt.code} ({meaning_of(attempt.code) or 'unknown to us'})" if attempt.code is not None else ""
    facts = [
        f"HTTP {attempt.http_status}" if attempt.http_status else "no answer",
        code,
        f"took {attempt.duration_ms:,} ms",
    ]
    request = f"TikTok's request id {attempt.request_id}." if attempt.request_id else ""
    words = sentence(f"{', '.join(filter(None, facts))}.", "" if accepted else said(attempt.message), request)
    at = attempt.started_at + timedelta(milliseconds=attempt.duration_ms)
    return about(delivery, at, Stage.ATTEMPT, title, words, VERDICT_TONES.get(verdict, "bad"))


def of_credentials(case: Case, delivery: Delivery) -> Iterator[Moment]:
    """What happened to the pixel's tokens, and to the pixel, while this was to be sent."""
    since, until = delivery.created_at, delivery.accepted_at or case.now
    for credential in case.evidence.credentials[delivery.pixel_id]:
        name = f"…{credential.last_four}" if credential.last_four else credential.reference
        refused, activated = credential.last_refused_at, credential.activated_at
        if refused and since <= refused <= until:
            words = said(credential.last_refusal)
            yield about(credential, refused, Stage.CREDENTIAL, f"TikTok refused the credential {name}", words, "bad")
        if activated and since <= activated <= until:
            how = "took over by itself" if credential.activated_because else "was promoted"
            words = hide_inside(credential.activated_because)
            yield about(credential, activated, Stage.CREDENTIAL, f"The credential {name} {how}", words, "good")
    pixel = delivery.pixel
    if pixel.paused_at and pixel.paused_by and delivery.status in (Status.WAITING, Status.LEASED):
        title = f"{pixel.name} paused: {pixel.get_paused_by_display().lower()}"
        yield about(pixel, pixel.paused_at, Stage.CREDENTIAL, title, said(pixel.paused_reason), "bad")
    if pixel.resumed_at and since <= pixel.resumed_at <= until:
        yield about(pixel, pixel.resumed_at, Stage.CREDENTIAL, f"{pixel.name} resumed", "", "good")
