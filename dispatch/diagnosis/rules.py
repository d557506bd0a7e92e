"""How a conversion is judged: the first rule of RULES that fits decides. docs/diagnosis.md has the same order."""

from conversions.models import Consent, Conversion
from dispatch.diagnosis.case import Case, Rule, Ruling, said
from dispatch.diagnosis.lateness import waiting
from dispatch.diagnosis.silence import PATIENCE, unreported
from dispatch.diagnosis.verdicts import Cause, Verdict, cause_of
from dispatch.models import Delivery
from dispatch.reasons import Reason
from offers.models import EventRule

Status = Delivery.Status
STAYS_TOLD = "TikTok can't take a conversion back, so it goes on counting there."
REVERSED = {
    Conversion.Status.REFUNDED: (Cause.REFUND, "refunded it"),
    Conversion.Status.CHARGEBACK: (Cause.CHARGEBACK, "reported a chargeback"),
    Conversion.Status.REJECTED: (Cause.REJECTION, "rejected it"),
}
REJECTIONS = frozenset({Reason.INVALID, Reason.RETRIES_EXHAUSTED})


def reversed_after(case: Case) -> Ruling | None:
    """Taken back when TikTok had been told, or may have been."""
    conversion, delivery = case.conversion, case.delivery
    if not conversion or conversion.status not in REVERSED or not case.may_have_been_told:
        return None
    cause, verb = REVERSED[Conversion.Status(conversion.status)]
    fired = case.seen("fired")
    if delivery and delivery.accepted_at:
        told = f"TikTok accepted it at {case.at(delivery.accepted_at)}."
    elif fired:
        told = f"The Pixel told TikTok at {case.at(fired.created_at)}."
    else:
        told = "A copy may have reached TikTok before."
    return Ruling(Verdict.REFUNDED, cause, f"The network {verb}. {told} {STAYS_TOLD}")


def reversed_before(case: Case) -> Ruling | None:
    conversion = case.conversion
    if not conversion or conversion.status not in REVERSED:
        return None
    _, verb = REVERSED[Conversion.Status(conversion.status)]
    words = f"The network {verb} before TikTok was told, so it never is."
    return Ruling(Verdict.REFUNDED, Cause.TAKEN_BACK, words)


def doubled(case: Case) -> Ruling | None:
    """The same sale under a second event_id, of which TikTok gets a copy."""
    original = case.original
    if not original or not case.may_have_been_told:
        return None
    words = (
        f"The same sale is told a second time, under another event_id than that of conversion {original.pk} "
        f"({original.event_id}), so TikTok can't merge the two and counts both."
    )
    return Ruling(Verdict.DUPLICATED, Cause.SAME_SALE, words, about=original)


def accepted(case: Case) -> Ruling | None:
    delivery = case.delivery
    if not delivery or delivery.status != Status.ACCEPTED:
        return None
    words = f"TikTok accepted it at {case.at(delivery.accepted_at)}."
    if delivery.is_test or (case.conversion and case.conversion.is_test):
        return Ruling(Verdict.DELIVERED, Cause.TEST, f"{words} It is a test: TikTok shows it under Test events only.")
    if delivery.pixel.live_test_event_code:
        words += (
            f" {delivery.pixel.name} is no production pixel, so it went there as a test, which TikTok does not count."
        )
        return Ruling(Verdict.DELIVERED, Cause.TEST_PIXEL, words)
    blocked = case.seen("blocked")
    is_told = bool(case.seen("fired")) or not (case.has_both_legs or blocked)
    if is_overdue(case) and (is_told or not blocked):
        words += " A page reported it. The network has not, though the offer expects that of it."
        return Ruling(Verdict.DELIVERED, Cause.SALE_UNREPORTED, words)
    if is_told:
        return Ruling(Verdict.DELIVERED, Cause.TOLD, words)
    if blocked:
        words += f" The server told it alone: the browser said at {case.at(blocked.created_at)} that the Pixel was kept"
        return Ruling(Verdict.DELIVERED, Cause.PIXEL_BLOCKED, f"{words} back.{added(blocked.detail)}")
    words += " The server told it alone, as far as is known: no browser has said what became of the Pixel's copy."
    return Ruling(Verdict.DELIVERED, Cause.PIXEL_UNHEARD, words)


def is_overdue(case: Case) -> bool:
    """Whether a page has told of it, and the network, of which the offer expects it, has had its time."""
    conversion = case.conversion
    if not conversion or case.entries or not case.postback_rules:
        return False
    return case.now - conversion.created_at >= PATIENCE


def added(detail: str) -> str:
    return f" It added: {said(detail)}" if detail else ""


def by_pixel_only(case: Case) -> Ruling | None:
    """The server tells nothing on purpose, so what the browser said is all there is."""
    delivery = case.delivery
    if not delivery or delivery.reason != Reason.PIXEL_ONLY or delivery.status != Status.SUPPRESSED:
        return None
    fired, blocked = case.seen("fired"), case.seen("blocked")
    head = "The offer or its event rule tells this event by the Pixel only."
    if fired:
        words = f"{head} The browser said that it fired at {case.at(fired.created_at)}."
        return Ruling(Verdict.DELIVERED, Cause.PIXEL_ONLY, words)
    if blocked:
        words = f"{head} The browser said at {case.at(blocked.created_at)} that something kept it back."
        return Ruling(Verdict.NEVER_SENT, Cause.PIXEL_BLOCKED, words)
    return Ruling(Verdict.NEVER_SENT, Cause.PIXEL_ONLY, f"{head} No browser has said that it did.")


def suppressed(case: Case) -> Ruling | None:
    delivery = case.delivery
    if not delivery or delivery.status not in (Status.SUPPRESSED, Status.HELD) or not delivery.reason:
        return None
    reason = Reason(delivery.reason)
    if reason == Reason.OUTCOME_UNKNOWN:
        words = (
            f"It was sent first at {case.at(delivery.first_sent_at)} and TikTok gave no clear answer within 48 hours. "
            "A further copy could count twice, so a person has to decide."
        )
        return Ruling(Verdict.DELAYED, Cause.OUTCOME_UNKNOWN, words)
    so_far = " so far" if delivery.status == Status.HELD else ""
    has_withdrawn = reason == Reason.CONSENT_DENIED and case.click and case.click.consent == Consent.WITHDRAWN
    why = WITHDRAWN if has_withdrawn else NEVER[reason]
    words = f"{why}{so_far}. {said(delivery.detail)}".strip()
    return Ruling(Verdict.NEVER_SENT, cause_of(reason), words)


WITHDRAWN = "The visitor took back their agreement, so TikTok may not be told any more"
NEVER: dict[str, str] = {
    Reason.CONSENT_UNKNOWN: "The visitor has to agree before TikTok may be told, and has not answered",
    Reason.NO_RATE: "TikTok does not take the currency, and there is no exchange rate for it",
    Reason.CONSENT_DENIED: "The visitor refused, so TikTok may not be told",
    Reason.TAKEN_BACK: "The network took it back before TikTok was told",
    Reason.ROBOT: "A bot or a prefetcher came, not a person, so TikTok is not told",
    Reason.ERASED: "The visitor's data was erased on request, so TikTok is not told",
    Reason.TOO_OLD: "It was older than the 7 days that TikTok takes",
    Reason.NO_MATCH_KEY: "Nothing is known by which TikTok could match a person",
    Reason.CONTRACT: "It breaks TikTok's contract, so it was not sent",
    Reason.NO_TEST_CODE: "It is a test, and the pixel has no test event code",
    Reason.CRASH_LOOP: "Its worker died with it again and again",
    Reason.FAILED: "Building the event failed through a fault of ours",
    Reason.INVALID: "TikTok refused the event",
    Reason.RETRIES_EXHAUSTED: "TikTok could not be reached or answered with errors, until the last retry",
}


def given_up(case: Case) -> Ruling | None:
    """A dead letter, or one that a person has discarded."""
    delivery = case.delivery
    if not delivery or delivery.status not in (Status.DEAD, Status.DISCARDED):
        return None
    words = f"{NEVER.get(delivery.reason, 'It was given up')}. {said(delivery.detail)} {last_code(case)}".strip()
    if delivery.status == Status.DISCARDED:
        who = f"{delivery.decided_by or 'Somebody'} discarded it at {case.at(delivery.decided_at)}"
        return Ruling(Verdict.NEVER_SENT, Cause.DISCARDED, f"{who}. {said(delivery.decision)} Before that: {words}")
    verdict = Verdict.REJECTED if delivery.reason in REJECTIONS else Verdict.NEVER_SENT
    return Ruling(verdict, cause_of(delivery.reason or Reason.FAILED), words)


def last_code(case: Case) -> str:
    """What TikTok answered last, by number."""
    attempts = case.evidence.attempts[case.delivery.pk] if case.delivery else []
    last = attempts[-1] if attempts else None
    if last is None or (last.code is None and last.http_status is None):
        return ""
    parts = [
        f"HTTP {last.http_status}" if last.http_status else "",
        f"code {last.code}" if last.code is not None else "",
    ]
    return f"TikTok's last answer: {', '.join(filter(None, parts))}."


def undecided(case: Case) -> Ruling | None:
    """Recorded, and the workers have not looked at it since it last changed."""
    conversion = case.conversion
    if not conversion or conversion.planned_at or case.delivery:
        return None
    if case.evidence.is_alive:
        words = "It was recorded, and the workers decide within seconds whether TikTok is told."
        return Ruling(Verdict.DELAYED, Cause.ON_ITS_WAY, words)
    words = "It was recorded, and no worker is there to decide on it: none gives a sign of life."
    return Ruling(Verdict.DELAYED, Cause.WORKERS_STOPPED, words)


def not_approved(case: Case) -> Ruling | None:
    conversion = case.conversion
    if not conversion or conversion.status != Conversion.Status.PENDING:
        return None
    if not any(rule.trigger == EventRule.Trigger.APPROVED for rule in case.postback_rules):
        return None
    words = "The network calls it pending, and the offer tells TikTok of approved conversions only."
    return Ruling(Verdict.NEVER_SENT, Cause.NOT_APPROVED, words)


def without_rule(case: Case) -> Ruling | None:
    conversion = case.conversion
    if not conversion:
        return None
    words = (
        f"No event rule of the offer “{conversion.offer}” tells TikTok of a {conversion.event_name} "
        f"({conversion.get_kind_display().lower()}) that is {conversion.get_status_display().lower()}."
    )
    return Ruling(Verdict.NEVER_SENT, Cause.NO_RULE, words)


RULES: list[Rule] = [
    reversed_after,
    reversed_before,
    doubled,
    accepted,
    by_pixel_only,
    suppressed,
    given_up,
    waiting,
    undecided,
    not_approved,
    unreported,
    without_rule,
]
