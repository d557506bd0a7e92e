"""Facts of many offers at once, in a constant number of queries."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Min, Q, QuerySet, Sum

from conversions.caps import has_reached
from conversions.outcomes import TROUBLED, Outcome
from dispatch.findings.current import of_offer
from dispatch.findings.finding import Finding, Scope
from dispatch.findings.sight import health_page
from dispatch.health.figures import Figures
from dispatch.health.reading import CONVERSIONS, figures, is_fresh
from dispatch.models import NetworkSlot, OfferSlot, TellingSlot
from dispatch.rollups.slots import slot_of
from dispatch.scaling.facts import SPAN, Facts, Hour, Trait
from offers.models import EventRule, Offer

LOOKED_BACK = timedelta(days=7)  # for the first conversion: what is older makes no difference
JOINED = [Outcome.RECORDED, Outcome.UPDATED, Outcome.DUPLICATE]
Hours = dict[int, dict[datetime, Counter[str]]]


def facts_of(offers: Iterable[Offer], findings: Sequence[Finding], now: datetime) -> dict[int, Facts]:
    """What is known of each of these offers, by its key.

    The sales of an offer with a cap are counted, which its tracking link does every few seconds.
    """
    offers = list(offers)
    keys = [offer.pk for offer in offers]
    hours, traits, begun = hours_of(offers, now), traits_of(offers), first_data(keys, now)
    sums = figures(Scope.OFFER, now - SPAN, now, keys)
    return {
        offer.pk: Facts(
            now=now,
            is_active=offer.is_active,
            has_rules=offer.pk in traits,
            is_full=has_reached(offer, now),
            traits=frozenset(traits.get(offer.pk, ())),
            findings=of_offer(offer, findings),
            hours=hours[offer.pk],
            sums=sums.get(offer.pk, Figures()),
            data_since=begun.get(offer.pk),
            page=health_page(offer),
        )
        for offer in offers
    }


def traits_of(offers: list[Offer]) -> dict[int, set[Trait]]:
    """What the rules of each offer use; nothing is said of an offer without rules."""
    by_key = {offer.pk: offer for offer in offers}
    traits: dict[int, set[Trait]] = defaultdict(set)
    for rule in EventRule.objects.filter(offer__in=by_key):
        rule.offer = by_key[rule.offer_id]
        used = {Trait.SERVER: rule.uses("server"), Trait.POSTBACKS: rule.trigger != EventRule.Trigger.PAGE}
        traits[rule.offer_id] |= {trait for trait, is_used in used.items() if is_used}
    return traits


def first_data(keys: list[int], now: datetime) -> dict[int, datetime]:
    """When the first conversion of these days was recorded, to the half-hour."""
    slots = OfferSlot.objects.filter(starts_at__gte=now - LOOKED_BACK, offer__in=keys).exclude(event_name="")
    return dict(slots.order_by().values_list("offer").annotate(first=Min("starts_at")))


def hours_of(offers: list[Offer], now: datetime) -> dict[int, list[Hour]]:
    """The hours of each offer in which there was anything, the oldest first; three queries."""
    keys, networks = [offer.pk for offer in offers], {offer.network_id for offer in offers}
    own: Hours = defaultdict(lambda: defaultdict(Counter))
    said: Hours = defaultdict(lambda: defaultdict(Counter))
    add(own, told(keys, now))
    add(own, sold(keys, now))
    add(said, heard(networks, now))
    return {offer.pk: merged(own[offer.pk], said[offer.network_id]) for offer in offers}


def merged(own: Mapping[datetime, Counter[str]], said: Mapping[datetime, Counter[str]]) -> list[Hour]:
    nothing = Counter[str]()
    return [Hour(at, **own.get(at, nothing), **said.get(at, nothing)) for at in sorted({*own, *said})]


def add(hours: Hours, rows: Iterable[dict[str, Any]]) -> None:
    """Put half-hours together."""
    for row in rows:
        key, starts_at = row.pop("key"), row.pop("starts_at")
        hours[key][starts_at.replace(minute=0)].update(row)


def told(keys: list[int], now: datetime) -> "QuerySet[Any, Any]":
    lost = Sum(F("dead") + F("discarded")) + Sum("waiting", filter=~is_fresh(now), default=0)
    rows = TellingSlot.objects.filter(starts_at__gte=slot_of(now - SPAN), offer__in=keys).order_by()
    sums = {name: Sum(name) for name in ("accepted", "both_legs", "fired")}
    return rows.values("starts_at", key=F("offer")).annotate(lost=lost, **sums)


def sold(keys: list[int], now: datetime) -> "QuerySet[Any, Any]":
    rows = OfferSlot.objects.filter(starts_at__gte=slot_of(now - SPAN), offer__in=keys).exclude(event_name="")
    sums = {"conversions": Sum(CONVERSIONS), "doubles": Sum("doubles")}
    return rows.order_by().values("starts_at", key=F("offer")).annotate(**sums)


def heard(networks: Iterable[int], now: datetime) -> "QuerySet[Any, Any]":
    rows = NetworkSlot.objects.filter(starts_at__gte=slot_of(now - SPAN), network__in=networks).order_by()
    joined = Sum("postbacks", filter=Q(outcome__in=JOINED), default=0)
    unusable = Sum("postbacks", filter=Q(outcome__in=TROUBLED), default=0)
    return rows.values("starts_at", key=F("network")).annotate(joined=joined, unusable=unusable)
