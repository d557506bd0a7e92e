"""Plan: what each conversion means for TikTok. A Delivery waiting, or held, or suppressed, or nothing yet."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from conversions.models import Conversion
from conversions.page_events import page_rules
from dispatch.models import Delivery
from dispatch.money import RateBook, Rates, Told, kept, tell
from dispatch.reasons import Reason
from dispatch.rollups.stale import mark_stale
from dispatch.tiktok.contract import OLDEST, ContractError, Event
from dispatch.tiktok.payload import build_event, reported
from dispatch.valuing import NOT_SENT, Sent
from dispatch.visitors import read_visitors
from offers.models import EventRule, ExchangeRate

logger = logging.getLogger(__name__)

BATCH_SIZE = 500
RELEASED_AT_ONCE = 2000
Status = Delivery.Status
Trigger = EventRule.Trigger

SOLD = frozenset({Conversion.Status.APPROVED, Conversion.Status.PARTIAL})
SENDABLE: dict[str, frozenset[str]] = {
    Trigger.PAGE: SOLD | {Conversion.Status.TRACKED, Conversion.Status.PENDING},
    Trigger.PENDING: SOLD | {Conversion.Status.PENDING},
    Trigger.APPROVED: SOLD,
    Trigger.REBILL: SOLD,
    Trigger.UPSELL: SOLD,
}
SPEAKS_OF: dict[str, str] = {Trigger.REBILL: Conversion.Kind.REBILL, Trigger.UPSELL: Conversion.Kind.UPSELL}
TAKEN_BACK = frozenset({Conversion.Status.REJECTED, Conversion.Status.REFUNDED, Conversion.Status.CHARGEBACK})
HOPELESS = frozenset({Reason.TOO_OLD, Reason.NO_MATCH_KEY})  # nothing that staff could repair
NEVER_ANSWERED = "The visitor did not answer within 7 days, and TikTok is told nothing older."
OPEN = frozenset({Status.WAITING, Status.HELD, Status.SUPPRESSED})
BY_CERTAINTY = [Trigger.REBILL, Trigger.UPSELL, Trigger.APPROVED, Trigger.PENDING, Trigger.PAGE]


@dataclass(frozen=True)
class Decision:
    """What planning decided for a conversion."""

    status: Delivery.Status
    reason: str = ""
    detail: str = ""
    event: Event | None = None
    converted: dict[str, str] | None = None
    valued: Mapping[str, Any] | None = None
    lacks_rate: str = ""


def plan(now: datetime, limit: int = BATCH_SIZE, newest_first: bool = False) -> int:
    """Decide on up to `limit` unplanned conversions in one transaction; how many there were.

    Taken from both ends in turn, a flood of one offer delays another one's conversions by a turn at most.
    """
    if not Conversion.objects.unplanned().exists():
        return 0
    with transaction.atomic():
        conversions = list(
            Conversion.objects.unplanned()
            .select_for_update(skip_locked=True)
            .order_by("-id" if newest_first else "id")[:limit]
        )
        read_visitors(conversions)
        rules = rules_of({conversion.offer_id for conversion in conversions})
        known = {delivery.conversion_id: delivery for delivery in Delivery.objects.filter(conversion__in=conversions)}
        fresh, rates = [], RateBook().find
        for conversion in conversions:
            delivery = known.get(conversion.pk)
            of_it, sent = keeping(delivery, rates), told_before(delivery)
            decision = decide(conversion, rules[conversion.offer_id], now, of_it, sent)
            if decision and delivery:
                delivery.conversion = conversion
                revise(delivery, decision, now)
            elif decision:
                fresh.append(promise(conversion, decision, now))
        Delivery.objects.bulk_create(fresh, ignore_conflicts=True)
        Conversion.objects.filter(pk__in=[c.pk for c in conversions]).update(planned_at=now)
        mark_stale(c for c in conversions if c.pk in known)
    return len(conversions)


def rules_of(offer_ids: set[int]) -> dict[int, list[EventRule]]:
    grouped: dict[int, list[EventRule]] = defaultdict(list)
    for rule in EventRule.objects.filter(offer__in=offer_ids).select_related("offer"):
        grouped[rule.offer_id].append(rule)
    return grouped


def keeping(delivery: Delivery | None, rates: Rates) -> Rates:
    """The rates, but where TikTok may hold a copy already, the rate that this copy was told by.

    TikTok keeps the first copy it got, so another value would be wrong on our record only. What certainly did not
    arrive is converted anew by the rates as they are now, so that a mistyped rate can be corrected and sent again.
    """
    return kept(delivery.converted, rates) if delivery and delivery.maybe_accepted and delivery.converted else rates


def told_before(delivery: Delivery | None) -> Sent:
    """Where TikTok may hold a copy already, what had replaced this copy's value."""
    return Sent(is_there=True, valued=delivery.valued) if delivery and delivery.maybe_accepted else NOT_SENT


def decide(
    conversion: Conversion,
    rules: list[EventRule],
    now: datetime,
    rates: Rates | None = None,
    sent: Sent = NOT_SENT,
) -> Decision | None:
    """The decision for one conversion, with the event where it may go; None while nothing is to be told yet."""
    try:
        return judge(conversion, rules, now, rates or RateBook().find, sent)
    except Exception as error:  # a fault of ours must cost one delivery, not the queue
        logger.exception("Conversion %s could not be judged", conversion.pk)
        return Decision(Status.DEAD, Reason.FAILED, f"{type(error).__name__} while building the event.")


def judge(conversion: Conversion, rules: list[EventRule], now: datetime, rates: Rates, sent: Sent) -> Decision | None:
    if conversion.status in TAKEN_BACK:
        return Decision(Status.SUPPRESSED, Reason.TAKEN_BACK, f"The network reported “{conversion.status}”.")
    fitting = rules_for(conversion, rules)
    rule = next((rule for rule in fitting if rule.uses("server")), None)
    if rule:
        told = reported(conversion, rule, page_rules(rules)[conversion.event_name], sent)
        return visitor_decision(conversion, now) or contract_decision(conversion, told, now, rates)
    return Decision(Status.SUPPRESSED, Reason.PIXEL_ONLY) if fitting else None


def rules_for(conversion: Conversion, rules: list[EventRule]) -> list[EventRule]:
    """The rules by which this conversion, in its present status, is told to TikTok; the most specific one first."""
    fitting = [
        rule
        for rule in rules
        if rule.event_name == conversion.event_name
        and SPEAKS_OF.get(rule.trigger, Conversion.Kind.SALE) == conversion.kind
        and conversion.status in SENDABLE[rule.trigger]
        and rule.fits(conversion.network_event)
    ]
    return sorted(
        fitting,
        key=lambda rule: (not rule.names(conversion.network_event), BY_CERTAINTY.index(Trigger(rule.trigger))),
    )


def visitor_decision(conversion: Conversion, now: datetime) -> Decision | None:
    """Held or suppressed because of who came or what they answered; None when it may go."""
    click = conversion.click
    if click.erased_at:
        return Decision(Status.SUPPRESSED, Reason.ERASED)
    if click.robot:
        return Decision(Status.SUPPRESSED, Reason.ROBOT)
    if click.has_refused:
        return Decision(Status.SUPPRESSED, Reason.CONSENT_DENIED)
    if click.has_consent:
        return None
    if conversion.occurred_at < now - OLDEST:  # no answer could send it any more
        return Decision(Status.SUPPRESSED, Reason.TOO_OLD, NEVER_ANSWERED)
    return Decision(Status.HELD, Reason.CONSENT_UNKNOWN)


def contract_decision(conversion: Conversion, told: Told, now: datetime, rates: Rates) -> Decision:
    """Waiting with its event; held for want of a rate; a dead letter when a person can repair it; else suppressed."""
    told = tell(told, conversion.offer.currency, conversion.occurred_at, rates)
    try:
        event = build_event(conversion, now, told)
    except ContractError as error:
        if error.reason == Reason.NO_RATE:
            return Decision(Status.HELD, error.reason, error.detail, lacks_rate=told.currency)
        status = Status.SUPPRESSED if error.reason in HOPELESS else Status.DEAD
        return Decision(status, error.reason, error.detail)
    return Decision(Status.WAITING, event=event, converted=told.converted, valued=told.valued)


def promise(conversion: Conversion, decision: Decision, now: datetime) -> Delivery:
    """An unsaved Delivery."""
    return Delivery(
        conversion=conversion,
        pixel=conversion.offer.pixel,
        event_name=conversion.event_name,
        event_id=conversion.event_id,
        status=decision.status,
        reason=decision.reason,
        detail=decision.detail,
        lacks_rate=decision.lacks_rate,
        converted=decision.converted,
        valued=decision.valued,
        is_test=conversion.is_test,
        next_attempt_at=now if decision.status == Status.WAITING else None,
        created_at=now,
    )


def revise(delivery: Delivery, decision: Decision, now: datetime) -> int:
    """Change a decision that is not carried out yet; what is leased, accepted, dead or discarded stays as it is.

    The status guard settles the race with a worker that claims the row in this moment: the claim wins, and what was
    sent cannot be called back. What is held because its outcome is unknown waits for a person, unless it must not go.
    """
    stands = (delivery.status, delivery.reason, delivery.lacks_rate)
    conversion = delivery.conversion
    rows = Delivery.objects.filter(pk=delivery.pk, status__in=OPEN)
    if decision.status != Status.SUPPRESSED:
        rows = rows.exclude(reason=Reason.OUTCOME_UNKNOWN)
    valued = decision.valued if decision.event else delivery.valued
    if stands == (decision.status, decision.reason, decision.lacks_rate):
        return rows.update(valued=valued) if valued != delivery.valued else 0
    return rows.update(
        status=decision.status,
        reason=decision.reason,
        detail=decision.detail,
        lacks_rate=decision.lacks_rate,
        converted=decision.converted or delivery.converted,
        valued=valued,
        event_name=conversion.event_name,  # of what a refund has made before its rebill came
        event_id=conversion.event_id,
        next_attempt_at=now if decision.status == Status.WAITING else None,
    )


def release_with_rate() -> int:
    """Have those planned anew that are held for want of a rate which there is by now; how many there were.

    Each is released once: planning marks it again where the rate has gone meanwhile. So many of one sweep at most,
    found by an index; with the next sweep come the next ones.
    """
    currencies = ExchangeRate.objects.order_by().values_list("currency", flat=True).distinct()
    held = Delivery.objects.lacking_rate(list(currencies)).order_by()
    found = list(held.values_list("pk", "conversion_id")[:RELEASED_AT_ONCE])
    if not found:
        return 0
    conversions = Conversion.objects.filter(pk__in=[conversion_id for _, conversion_id in found])
    with transaction.atomic():  # conversions first, as in planning, so that the two can't wait for each other
        free = conversions.plan_anew(skip_locked=True)
        return Delivery.objects.filter(pk__in=[pk for pk, _ in found], conversion__in=free).update(lacks_rate="")
