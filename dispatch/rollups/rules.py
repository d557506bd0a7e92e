"""Offers whose rules have changed: much of what is counted follows from the rules that stand now."""

from collections import defaultdict
from collections.abc import Iterable

from conversions.identity import sha256
from dispatch.models import OfferSlot, StaleSlot, Watermark
from offers.models import EventRule, Offer


def rules_of(offers: Iterable[Offer]) -> dict[int, list[EventRule]]:
    """The event rules of offers, which they know without another query."""
    known = {offer.pk: offer for offer in offers}
    grouped: dict[int, list[EventRule]] = defaultdict(list)
    for rule in EventRule.objects.filter(offer__in=known).order_by("pk"):
        rule.offer = known[rule.offer_id]
        grouped[rule.offer_id].append(rule)
    return grouped


def review_rules() -> None:
    """Mark every half-hour of offers whose rules are others than at the last look.

    By comparing, not when somebody saves the offer: so it is noticed wherever that was done.
    """
    offers = list(Offer.objects.order_by("pk"))
    rules = rules_of(offers)
    known = dict(Watermark.objects.filter(pk__startswith="offer ").values_list("pk", "settled"))
    for offer in offers:
        name, standing = f"offer {offer.pk}", digest_of(offer, rules[offer.pk])
        if known.get(name, standing) != standing:
            slots = OfferSlot.objects.filter(offer=offer).order_by().values_list("offer_id", "starts_at").distinct()
            StaleSlot.objects.mark(slots)
        if known.get(name) != standing:
            Watermark.objects.update_or_create(pk=name, defaults={"settled": standing})


def digest_of(offer: Offer, rules: Iterable[EventRule]) -> str:
    """What of an offer decides how its rows are counted."""
    own = (offer.network_id, offer.tracking_mode, offer.send_email, offer.send_phone, offer.send_external_id)
    return sha256(repr((own, sorted((rule.trigger, rule.event_name, rule.legs) for rule in rules))))[:30]
