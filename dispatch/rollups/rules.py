"""Offers whose rules or network have changed: much of what is counted follows from what stands now."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from conversions.identity import sha256
from conversions.models import Conversion
from dispatch.models import OfferSlot, StaleSlot, Watermark
from dispatch.rollups.bucket import Bucket
from offers.models import EventRule, Offer


def rules_of(offers: Iterable[Offer]) -> dict[int, list[EventRule]]:
    """The event rules of offers, which they know without another query."""
    known = {offer.pk: offer for offer in offers}
    grouped: dict[int, list[EventRule]] = defaultdict(list)
    for rule in EventRule.objects.filter(offer__in=known).order_by("pk"):
        rule.offer = known[rule.offer_id]
        grouped[rule.offer_id].append(rule)
    return grouped


def bucket_of(offer_id: int, starts_at: datetime, now: datetime) -> Bucket:
    """One offer's half-hour with the rules that stand now."""
    offer = Offer.objects.get(pk=offer_id)
    return Bucket(offer, rules_of([offer])[offer_id], starts_at, now)


def review_rules() -> None:
    """Mark every half-hour of offers whose rules are others than at the last look.

    By comparing, not when somebody saves the offer: so it is noticed wherever that was done.
    """
    offers = list(Offer.objects.select_related("network").order_by("pk"))
    rules = rules_of(offers)
    known = {mark.pk: mark for mark in Watermark.objects.filter(pk__startswith="offer ")}
    for offer in offers:
        review(offer, digest_of(offer, rules[offer.pk]), known.get(name_of(offer)))


def review(offer: Offer, standing: str, known: Watermark | None) -> None:
    """The digest of its rules stands in `settled`, its network in `reached`."""
    network = str(offer.network_id)
    if known and (known.settled, known.reached) == (standing, network):
        return
    if known:
        slots = OfferSlot.objects.filter(offer=offer).order_by().values_list("offer_id", "starts_at").distinct()
        StaleSlot.objects.mark(slots)
    if known and known.reached != network:
        mark_same_transactions(offer)
    Watermark.objects.update_or_create(pk=name_of(offer), defaults={"settled": standing, "reached": network})


def mark_same_transactions(offer: Offer) -> None:
    """Mark what other offers have of the same transactions: doubles are told within a network."""
    told = Conversion.objects.filter(offer=offer).exclude(transaction_id="").order_by().values("transaction_id")
    others = Conversion.objects.filter(transaction_id__in=told).exclude(offer=offer).exclude(transaction_id="")
    StaleSlot.objects.mark_of(others, "offer_id", "created_at")


def name_of(offer: Offer) -> str:
    return f"offer {offer.pk}"


def digest_of(offer: Offer, rules: Iterable[EventRule]) -> str:
    """What of an offer decides how its rows are counted."""
    own = (offer.network_id, offer.tracking_mode, offer.send_email, offer.send_phone, offer.send_external_id)
    names = sorted(offer.network.parameter_names.items())
    return sha256(repr((own, names, sorted((rule.trigger, rule.event_name, rule.legs) for rule in rules))))[:30]
