"""Hosts that run an offer's script and are none of its pages: counted, for staff to enter them or to go after them."""

import logging
import time
from collections import Counter
from datetime import datetime

from django.db import Error
from django.db.models import F

from conversions.models import StrangePage
from offers.models import Offer
from offers.places import HOST

logger = logging.getLogger(__name__)

HOSTS_KEPT = 50
WRITE_EVERY_SECONDS = 3.0
MOST_IN_MEMORY = 1000
MAX_HOST = 253

Key = tuple[int, str]


class Tally:
    """Calls by offer and host, written to the database every few seconds at most. What a process dies with is lost."""

    def __init__(self) -> None:
        self.calls: Counter[Key] = Counter()
        self.due: dict[Key, float] = {}

    def count(self, offer: Offer, host: str, now: datetime) -> None:
        """Count one call. Never fails: the call is answered whether it is counted or not."""
        key = (offer.pk, host)
        if len(host) > MAX_HOST or not HOST.fullmatch(host):
            return
        self.calls[key] += 1
        if self.due.get(key, 0.0) > time.monotonic():
            return
        if len(self.due) >= MOST_IN_MEMORY:
            self.forget()
        self.due[key] = time.monotonic() + WRITE_EVERY_SECONDS
        try:
            write(key, self.calls.pop(key, 0) or 1, now)
        except Error as error:
            logger.warning("A call of a strange page could not be counted: %s", type(error).__name__)

    def forget(self) -> None:
        self.calls.clear()
        self.due.clear()


def write(key: Key, calls: int, now: datetime) -> None:
    """Add to the host's row; a new host gets one, in the place of the one that called least where there are many."""
    offer_id, host = key
    rows = StrangePage.objects.filter(offer=offer_id)
    if rows.filter(host=host).update(calls=F("calls") + calls, last_at=now):
        return
    busiest = rows.order_by("-calls", "-last_at").values_list("pk", flat=True)[: HOSTS_KEPT - 1]
    rows.exclude(pk__in=list(busiest)).delete()
    row = StrangePage(offer_id=offer_id, host=host, calls=calls, first_at=now, last_at=now)
    StrangePage.objects.bulk_create([row], ignore_conflicts=True)


tally = Tally()
