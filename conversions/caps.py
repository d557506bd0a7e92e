"""Caps: an offer that has had its sales is full, and its visitors arrive at its fallback offer instead."""

import time
from collections.abc import Callable
from datetime import datetime

from django.db.models import Q

from conversions import configuration
from conversions.models import Conversion
from offers.caps import day_start
from offers.models import Offer

LONGEST_CHAIN = 5
KEEP_SECONDS = 3.0
PAUSE = 50  # times as long as counting took: it never takes more than a fiftieth of a process's time
SOLD = Q(kind=Conversion.Kind.SALE, status__in=("pending", "approved", "partial"))
Find = Callable[[str], Offer | None]


def with_room(offer: Offer, now: datetime) -> Offer:
    """The offer that a visitor arrives at: the first one of the fallback chain that is not full, else the offer itself.

    An offer without caps costs no query, another one a count every few seconds.
    """
    return follow(offer, lambda each: is_full(each, now), configuration.offers.get)


def last_with_room(offer: Offer) -> Offer:
    """The same by what was known last, without the database."""
    return follow(offer, lambda each: configuration.full.get(each.pk, (0, False))[1], configuration.offers.last_known)


def follow(offer: Offer, is_full: Callable[[Offer], bool], find: Find) -> Offer:
    """The chain ends where there is no fallback, or an inactive one, or one that was there before, and after five."""
    standing, seen = offer, {offer.pk}
    while is_full(standing):
        fallback = standing.fallback_offer and find(standing.fallback_offer.slug)
        if fallback is None or fallback.pk in seen or len(seen) > LONGEST_CHAIN:
            return offer
        standing = fallback
        seen.add(fallback.pk)
    return standing


def is_full(offer: Offer, now: datetime) -> bool:
    """Whether one of the offer's caps is reached."""
    if offer.daily_cap is None and offer.total_cap is None:
        return False
    until, full = configuration.full.get(offer.pk, (0.0, False))
    began = time.monotonic()
    if until > began:
        return full
    configuration.full[offer.pk] = (began + KEEP_SECONDS, full)  # one visitor waits for the count, not all of them
    full = has_reached(offer, now)
    ended = time.monotonic()
    configuration.full[offer.pk] = (ended + max(KEEP_SECONDS, PAUSE * (ended - began)), full)
    return full


def has_reached(offer: Offer, now: datetime) -> bool:
    """Whether one of the offer's caps is reached, counted now; no query for an offer without caps."""
    return has_sold(offer, offer.daily_cap, day_start(now, offer.cap_time_zone)) or has_sold(offer, offer.total_cap)


def has_sold(offer: Offer, cap: int | None, since: datetime | None = None) -> bool:
    """Whether there are as many sales."""
    return cap is not None and sold(offer, cap, since) >= cap


def sold(offer: Offer, most: int, since: datetime | None = None) -> int:
    """How many sales there are, counted no further than `most`.

    One that is told as several events, as a Lead and a Purchase, is one sale.
    """
    sales = Conversion.objects.filter(SOLD, offer=offer, is_test=False).order_by()
    if since:
        sales = sales.filter(created_at__gte=since)
    return sales.values("click", "transaction_id").distinct()[:most].count()
