"""Hold, Watch or Raise: decided for each active offer from its figures and from what is wrong now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from dispatch import clock
from dispatch.findings.finding import Finding
from dispatch.models import ScaleDecision
from dispatch.scaling.clean import clean_since
from dispatch.scaling.evidence import facts_of
from dispatch.scaling.facts import Facts
from dispatch.scaling.reason import Own, Reason, Verdict, own
from dispatch.scaling.rules import RULES, of_findings
from dispatch.wording import at
from offers.models import Offer

BY_GRAVITY = [Verdict.HOLD, Verdict.WATCH, Verdict.RAISE]
RESTLESS_FROM, RESTLESS_WITHIN = 5, timedelta(hours=1)
"""So many changes within so long are those of an offer that goes back and forth: the next raise has to wait."""
CALM_FOR = timedelta(minutes=15)
RESTLESS = (
    "Nothing speaks against it any more at this moment. But the decision has changed {} times within the last hour, so "
    "it is kept at {} until {} at the latest; what comes up meanwhile shows at once."
)
STALE = timedelta(minutes=5)  # it is confirmed every minute while the workers live
UNCONFIRMED = (
    "The last decision was {} and was confirmed at {}. Nobody has looked since: the workers may be stopped. Start them "
    "with: manage.py run_workers"
)


@dataclass(frozen=True)
class Decided:
    """A verdict with its reasons, the gravest first."""

    verdict: Verdict
    reasons: list[Reason]
    clean_since: datetime | None

    def is_like(self, decision: ScaleDecision) -> bool:
        """Whether it is the same verdict for the same reasons, whatever their figures are now."""
        return decision.verdict == self.verdict and codes_against(decision) == self.codes_against

    @property
    def codes_against(self) -> set[str]:
        return {reason.code for reason in self.reasons if reason.is_against}


def codes_against(decision: ScaleDecision) -> set[str]:
    """The same of what is written."""
    return {reason["code"] for reason in decision.reasons if reason["speaks"] != Verdict.RAISE}


def decide(facts: Facts) -> Decided:
    """The verdict that the gravest reason asks for."""
    own_reasons = [reason for rule in RULES if (reason := rule(facts))]
    reasons = sorted([*of_findings(facts), *own_reasons], key=lambda reason: BY_GRAVITY.index(Verdict(reason.speaks)))
    verdict = Verdict(reasons[0].speaks) if reasons else Verdict.WATCH
    return Decided(verdict, reasons, clean_since(facts) if verdict != Verdict.HOLD else None)


def decide_all(now: datetime, findings: Sequence[Finding]) -> int:
    """Decide on every active offer; how many decisions are new. `findings` is everything that is wrong now.

    A new row is written when verdict or reasons change; else the newest is confirmed, with today's figures. An offer
    that was switched off gets its last decision.
    """
    offers = list(to_decide())
    facts = facts_of(offers, findings, now)
    with transaction.atomic():
        # Several hosts decide at the same time; nobody's conversions wait for this lock.
        list(Offer.objects.select_for_update(no_key=True).filter(pk__in=facts).order_by("pk").values_list("pk"))
        return write({key: decide(each) for key, each in facts.items()}, now)


def to_decide() -> Iterable[Offer]:
    """Active offers, and those that were switched off since they were last decided on."""
    reasons = Subquery(newest_of(OuterRef("pk")).values("reasons")[:1])
    offers: QuerySet[Any] = Offer.objects.select_related("network", "pixel").annotate(last_reasons=reasons)
    for offer in offers.filter(Q(is_active=True) | Q(last_reasons__isnull=False)).order_by("pk"):
        if offer.is_active or not says(Own.OFFER_INACTIVE, offer.last_reasons):
            yield offer


def says(code: Own, reasons: list[dict[str, Any]]) -> bool:
    return any(reason["code"] == code for reason in reasons)


def write(decided: dict[int, Decided], now: datetime) -> int:
    """Confirm what stands, add what is new; how many are new."""
    newest = newest_decisions(decided)
    confirmed, new = [], []
    for key, each in calmed(decided, newest, now).items():
        last, reasons = newest.get(key), [reason.as_json() for reason in each.reasons]
        if last and each.is_like(last):
            last.reasons, last.clean_since, last.looked_at = reasons, each.clean_since, max(now, last.looked_at)
            confirmed.append(last)
        else:
            times = {"clean_since": each.clean_since, "decided_at": now, "looked_at": now}
            new.append(ScaleDecision(offer_id=key, verdict=each.verdict, reasons=reasons, **times))
    ScaleDecision.objects.bulk_update(confirmed, ["reasons", "clean_since", "looked_at"], batch_size=200)
    ScaleDecision.objects.bulk_create(new)
    return len(new)


def calmed(decided: dict[int, Decided], newest: dict[int, ScaleDecision], now: datetime) -> dict[int, Decided]:
    """The same, but that a step up to Raise waits at Watch for a while where there was one change after another.

    Nothing else ever waits: a fault shows while it is there, and no longer.
    """
    rising = [key for key, each in decided.items() if each.verdict == Verdict.RAISE and has_to_rise(newest.get(key))]
    changes = changes_of(rising, now)
    return decided | {key: calm(decided[key], newest[key], changes.get(key, 0), now) for key in rising}


def has_to_rise(last: ScaleDecision | None) -> bool:
    return last is not None and last.verdict != Verdict.RAISE


def changes_of(offer_ids: list[int], now: datetime) -> dict[int, int]:
    """How often the decision on each of them has changed just now; no query for none."""
    if not offer_ids:
        return {}
    rows = ScaleDecision.objects.filter(offer__in=offer_ids, decided_at__gt=now - RESTLESS_WITHIN).order_by()
    earlier = ScaleDecision.objects.filter(offer=OuterRef("offer"), pk__lt=OuterRef("pk"))
    return dict(rows.filter(Exists(earlier)).values_list("offer").annotate(Count("pk")))


def calm(raised: Decided, last: ScaleDecision, changes: int, now: datetime) -> Decided:
    """Kept at Watch where this would be one change too many, and for a while after that was first so."""
    waits = says(Own.RESTLESS, last.reasons)
    until = (last.decided_at if waits else now) + CALM_FOR
    changes += 0 if waits else 1
    if changes < RESTLESS_FROM or until <= now:
        return raised
    words = RESTLESS.format(changes, Verdict.WATCH.label, at(until, now))
    return replace(raised, verdict=Verdict.WATCH, reasons=[own(Own.RESTLESS, Verdict.WATCH, words), *raised.reasons])


def newest_of(offer: Any) -> Any:
    return ScaleDecision.objects.filter(offer=offer).order_by("-id")


def newest_decisions(offer_ids: Iterable[int]) -> dict[int, ScaleDecision]:
    """As they are stored; one query, an index probe for each offer."""
    offers = Offer.objects.filter(pk__in=list(offer_ids)).order_by()
    newest = offers.annotate(newest=Subquery(newest_of(OuterRef("pk")).values("pk")[:1])).values("newest")
    return {row.offer_id: row for row in ScaleDecision.objects.filter(pk__in=newest)}


def decision_of(offer_ids: Iterable[int], now: datetime | None = None) -> dict[int, ScaleDecision]:
    """The present decision of each of these offers that has one, in one query; for reading, not to be saved.

    One that nobody has confirmed for minutes is a Hold, whatever it was: nobody knows how things are.
    """
    now = now or clock.now()
    return {key: as_known(row, now) for key, row in newest_decisions(offer_ids).items()}


def as_known(decision: ScaleDecision, now: datetime) -> ScaleDecision:
    if now - decision.looked_at <= STALE or says(Own.OFFER_INACTIVE, decision.reasons):
        return decision
    words = UNCONFIRMED.format(decision.get_verdict_display(), at(decision.looked_at, now))
    decision.reasons = [own(Own.UNCONFIRMED, Verdict.HOLD, words).as_json(), *decision.reasons]
    decision.verdict, decision.clean_since, decision.decided_at = Verdict.HOLD, None, decision.looked_at
    return decision
