"""What is held for the visitor's word: let go when the offer's policy changes, given up when it is too old."""

from datetime import datetime

from django.db import transaction

from conversions.models import Conversion
from dispatch.models import ConsentPolicy, Delivery, StaleSlot
from dispatch.planning import NEVER_ANSWERED
from dispatch.reasons import Reason
from dispatch.tiktok.contract import OLDEST
from offers.models import Offer

AT_ONCE = 5000
Status = Delivery.Status
GIVEN_UP = {
    Reason.CONSENT_UNKNOWN: NEVER_ANSWERED,
    Reason.NO_RATE: "There was no exchange rate for it within 7 days, and TikTok is told nothing older.",
}


def give_up_too_old(now: datetime) -> int:
    """Suppress what has been held for so long that TikTok would not take it any more; how many there were."""
    long_ago = now - OLDEST
    return sum(give_up(reason, long_ago) for reason in GIVEN_UP)


def give_up(reason: Reason, long_ago: datetime) -> int:
    """Only the oldest are looked at, so that a sweep that finds nothing costs nothing."""
    oldest = Delivery.objects.held_for(reason)[:AT_ONCE].values_list("pk", "conversion__occurred_at")
    old = [key for key, occurred_at in oldest if occurred_at < long_ago]
    if not old:
        return 0
    rows = Delivery.objects.held_for(reason).filter(pk__in=old)
    with transaction.atomic():
        StaleSlot.objects.mark_deliveries(rows)
        return rows.update(status=Status.SUPPRESSED, reason=Reason.TOO_OLD, detail=GIVEN_UP[reason], lacks_rate="")


def review_policies() -> int:
    """Have planned anew what is held for consent, of offers whose policy has changed; how many there were.

    By comparing, not when somebody saves the offer: so it is noticed wherever that was done, and a queue of any
    length is reviewed in pieces.
    """
    known = {row.offer_id: row for row in ConsentPolicy.objects.all()}
    offers = Offer.objects.only("consent_required", "consent_countries").order_by("pk")
    return sum(review(known.get(offer.pk) or note(offer), policy_of(offer)) for offer in offers)


def note(offer: Offer) -> ConsentPolicy:
    row, _ = ConsentPolicy.objects.get_or_create(offer=offer)
    return row


def policy_of(offer: Offer) -> str:
    return f"required {offer.consent_countries}".strip() if offer.consent_required else "not required"


def review(row: ConsentPolicy, policy: str) -> int:
    if row.policy != policy:
        row.begin(policy)
    elif not row.passes_left:
        return 0
    held = Delivery.objects.held_for(Reason.CONSENT_UNKNOWN).filter(conversion__offer=row.offer_id)
    found = list(held.filter(pk__gt=row.reviewed_to).values_list("pk", "conversion_id")[:AT_ONCE])
    with transaction.atomic():
        Conversion.objects.filter(pk__in=[conversion_id for _, conversion_id in found]).plan_anew(skip_locked=True)
    row.go_on(found[-1][0] if len(found) == AT_ONCE else None)
    row.save()
    return len(found)
