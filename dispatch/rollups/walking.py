"""Walking back through all half-hours that have rows or sums, the newest first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from conversions.models import Click, Conversion, Postback
from dispatch.models import NetworkSlot, OfferSlot, SourceSlot, TellingSlot
from dispatch.models.rollup import SLOT
from dispatch.rollups import making
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.rules import rules_of
from dispatch.rollups.slots import day_of, slot_of
from dispatch.rollups.storing import Difference
from offers.models import Network, Offer

OF_OFFER: Sequence[tuple[Any, str]] = (
    (Click, "created_at"),
    (Conversion, "created_at"),
    (OfferSlot, "starts_at"),
    (SourceSlot, "starts_at"),
    (TellingSlot, "starts_at"),
)
OF_NETWORK: Sequence[tuple[Any, str]] = ((Postback, "received_at"), (NetworkSlot, "starts_at"))


@dataclass(frozen=True)
class Walk:
    """Where it leads: through all offers and networks, or one offer."""

    offer: Offer | None = None

    def before(self, moment: datetime) -> datetime | None:
        """The last half-hour before the moment that has anything; None before the first one."""
        newest = [found for model, column in OF_OFFER if (found := self.newest(model, column, moment))]
        if self.offer is None:
            newest += newest_of_networks(moment)
        return slot_of(max(newest)) if newest else None

    def newest(self, model: Any, column: str, moment: datetime) -> datetime | None:
        rows = model.objects.filter(**{f"{column}__lt": moment}, **({"offer": self.offer} if self.offer else {}))
        found: datetime | None = rows.order_by(f"-{column}").values_list(column, flat=True).first()
        return found

    def buckets(self, starts_at: datetime, now: datetime) -> Iterator[Bucket]:
        """The offers that have anything in that half-hour."""
        offers = list(self.offers_with(starts_at))
        rules = rules_of(offers)
        return (Bucket(offer, rules[offer.pk], starts_at, now) for offer in offers)

    @property
    def offers(self) -> "QuerySet[Offer]":
        return Offer.objects.filter(pk=self.offer.pk) if self.offer else Offer.objects.all()

    def offers_with(self, starts_at: datetime) -> "QuerySet[Offer]":
        return with_any(self.offers, "offer", OF_OFFER, starts_at)

    def networks(self, starts_at: datetime) -> list[int]:
        """The networks that have anything in that half-hour."""
        if self.offer:
            return []
        return list(with_any(Network.objects.all(), "network", OF_NETWORK, starts_at).values_list("pk", flat=True))

    def make(self, starts_at: datetime, now: datetime) -> list[Difference]:
        """Make everything of that half-hour anew; what was not so before."""
        offers = list(self.offers_with(starts_at).values_list("pk", flat=True))
        made = (making.make_offer(key, starts_at, now) for key in offers)
        received = (making.make_network(key, starts_at, now) for key in self.networks(starts_at))
        return [difference for found in (*made, *received) for difference in found]

    def check(self, starts_at: datetime, now: datetime) -> list[Difference]:
        """What making it anew would change; nothing is."""
        made = (making.check_offer(bucket) for bucket in self.buckets(starts_at, now))
        received = (making.check_network(key, starts_at, now) for key in self.networks(starts_at))
        return [difference for found in (*made, *received) for difference in found]

    def days(self, moment: datetime) -> Iterable[tuple[int, datetime]]:
        """Its offers, each with the day of the moment."""
        day = day_of(moment)
        return [(key, day) for key in self.offers.order_by("pk").values_list("pk", flat=True)]


def newest_of_networks(moment: datetime) -> list[datetime]:
    """The newest postback of each network and the newest sum of all of them, before the moment."""
    received = Postback.objects.filter(network=OuterRef("pk"), received_at__lt=moment).order_by("-received_at")
    newest = Network.objects.order_by().annotate(newest=received.values("received_at")[:1])
    summed = NetworkSlot.objects.filter(starts_at__lt=moment).aggregate(newest=Max("starts_at"))["newest"]
    return [found for found in (*newest.values_list("newest", flat=True), summed) if found]


def with_any(rows: QuerySet[Any], owner: str, tables: Sequence[tuple[Any, str]], starts_at: datetime) -> QuerySet[Any]:
    """Those that own a row of one of the tables in that half-hour; a look into an index for each."""
    return rows.filter(reduce(or_, (has_row(*table, owner, starts_at) for table in tables))).order_by("pk")


def has_row(model: Any, column: str, owner: str, starts_at: datetime) -> Q:
    during = {f"{column}__gte": starts_at, f"{column}__lt": starts_at + SLOT}
    return Q(Exists(model.objects.filter(**{owner: OuterRef("pk")}, **during)))
