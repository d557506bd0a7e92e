"""What is so now, judged and explained as the figures are: what waits, dead letters, what is held, the credential."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from dispatch.findings.finding import Scope
from dispatch.health.live import Live, Token
from dispatch.health.rows import DELIVERY, FIGURE, WHOSE
from dispatch.reasons import Reason
from dispatch.wording import COUNT_LIMIT, at, in_words

WAITS_LATE = timedelta(minutes=5)
WAITS_TOO_LONG = timedelta(hours=1)
CAPPED = f" Of the whole site the first {COUNT_LIMIT:,} are looked at, so there are more."
DEAD_LETTER = "dispatch_deadletter"


@dataclass(frozen=True)
class Fact:
    """One number of now, with its target, what it counts, and where to look first."""

    name: str
    label: str
    shown: str
    tone: str
    wanted: str
    counts: str
    look: str
    url: str = ""
    permission: str = "dispatch.view_delivery"
    is_empty: bool = False


def facts_of(scope: Scope, subject: int, stands: Live, now: datetime) -> Iterator[Fact]:
    """Those of any subject."""
    yield waiting(scope, subject, stands, now)
    yield dead_letters(scope, subject, stands)
    if stands.held:
        yield held(scope, subject, stands)


def waiting(scope: Scope, subject: int, stands: Live, now: datetime) -> Fact:
    waits = now - stands.waiting_since if stands.waiting_since else None
    tone = "good" if waits is None or waits <= WAITS_LATE else "warn" if waits <= WAITS_TOO_LONG else "bad"
    return Fact(
        "waiting",
        "Oldest waiting",
        "nothing waits" if waits is None else in_words(waits),
        tone,
        f"{in_words(WAITS_LATE)} at most",
        "How long ago the conversion was recorded that has waited longest for its delivery, retries included.",
        "Its own page says why it waits: a pause, TikTok's trouble, a retry, or no worker.",
        list_url(DELIVERY, scope, subject, status__exact="waiting", test="no") if waits is not None else "",
        is_empty=waits is None,
    )


def dead_letters(scope: Scope, subject: int, stands: Live) -> Fact:
    url = list_url(DEAD_LETTER, scope, subject) if stands.dead else ""
    return Fact(
        "dead",
        "Dead letters",
        f"{stands.dead:,}",
        "warn" if stands.dead else "good",
        "0",
        "Deliveries that automation gave up on and nobody has decided on, of any age."
        + (CAPPED if stands.is_capped else ""),
        "The list says why each was given up and what to do; they can be sent again or discarded there.",
        url,
        is_empty=not stands.dead,
    )


def held(scope: Scope, subject: int, stands: Live) -> Fact:
    reasons = ", ".join(f"{Reason(name).label.lower()} {count:,}" for name, count in stands.held.most_common())
    needs_somebody = any(name == Reason.NO_RATE for name in stands.held)
    return Fact(
        "held",
        "Held",
        f"{stands.held.total():,}",
        "warn" if needs_somebody else "calm",
        "",
        f"Deliveries that wait for something other than their turn: {reasons}." + (CAPPED if stands.is_capped else ""),
        "What waits for consent goes when the visitor agrees; what waits for a rate, when one is entered under "
        "Exchange rates.",
        list_url(DELIVERY, scope, subject, **{FIGURE: "held"}),
    )


def credential(token: Token | None, pixel: int) -> Fact:
    """How old the one in use is."""
    days = settings.CREDENTIAL_ROTATION_DAYS
    age = "none" if token is None else f"{token.age_days:,} day{'' if token.age_days == 1 else 's'}"
    due = f" It is due at {at(token.due_at, token.now)}." if token and token.due_at else ""
    return Fact(
        "credential",
        "Credential age",
        age,
        "calm" if token is None else "warn" if token.is_due else "good",
        f"below {days:g} days" if days else "",
        f"Since when the pixel's active credential has been in use.{due}",
        "Rotate it on the guided screen: paste, test and promote another one; nothing is lost meanwhile.",
        reverse("admin:dispatch_credential_changelist", query={"pixel__id__exact": pixel}),
        "dispatch.view_credential",
    )


def list_url(table: str, scope: Scope, subject: int, **chosen: str) -> str:
    return reverse(f"admin:{table}_changelist", query={**chosen, WHOSE[DELIVERY, scope]: subject})
