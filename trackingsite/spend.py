"""May spend be raised? The present decisions for the first page, those against it first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatch.admin.health_parts import health_url
from dispatch.admin.scale_decisions import TONES
from dispatch.findings.finding import Scope
from dispatch.models import ScaleDecision
from dispatch.scaling.deciding import BY_GRAVITY, decision_of
from dispatch.wording import at
from offers.models import Offer

SHOWN = 12
Verdict = ScaleDecision.Verdict


@dataclass(frozen=True)
class Standing:
    """One offer's decision, in a line."""

    offer: str
    link: str
    verdict: str
    tone: str
    words: str
    since: str


@dataclass(frozen=True)
class Spend:
    """The gravest decisions, and how many there are of each; `undecided` are offers that nobody has looked at yet."""

    standings: list[Standing]
    counts: list[tuple[str, int]]
    left: int
    undecided: int


def spend(now: datetime) -> Spend:
    """Two queries, however many offers there are."""
    offers = {offer.pk: offer.name for offer in Offer.objects.live().only("name")}
    decisions = sorted(decision_of(offers, now).values(), key=lambda each: (rank(each), offers[each.offer_id]))
    counts = Counter(each.verdict for each in decisions)
    return Spend(
        standings=[standing(each, offers[each.offer_id], now) for each in decisions[:SHOWN]],
        counts=[(str(verdict.label), counts[verdict]) for verdict in BY_GRAVITY if counts[verdict]],
        left=max(0, len(decisions) - SHOWN),
        undecided=len(offers) - len(decisions),
    )


def rank(decision: ScaleDecision) -> int:
    return BY_GRAVITY.index(Verdict(decision.verdict))


def standing(decision: ScaleDecision, offer: str, now: datetime) -> Standing:
    return Standing(
        offer=offer,
        link=health_url(Scope.OFFER, decision.offer_id),
        verdict=decision.get_verdict_display(),
        tone=TONES[Verdict(decision.verdict)],
        words=in_words(decision.reasons),
        since=at(decision.decided_at, now),
    )


def in_words(reasons: Iterable[dict[str, Any]]) -> str:
    """The gravest reason whole, and how many more speak for the same."""
    told = list(reasons)
    if not told:
        return ""
    speak_for_it = [reason["speaks"] == Verdict.RAISE for reason in told]
    more = speak_for_it.count(speak_for_it[0]) - 1
    return f"{told[0]['title']}: {told[0]['words']}{f' And {more} more.' if more else ''}"
