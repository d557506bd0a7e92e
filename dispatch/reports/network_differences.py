"""Why a network's figure differs from ours: each conversion that one side counts and the other does not, by class.

A conversion is ours when it was recorded in the period and is a sale. It is the network's when it happened in the
period and stands as the network counts it. Whatever is one and not the other is in exactly one class, so that what the
classes leave of the difference is unexplained.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Case, Count, Exists, OuterRef, Q, Sum, When

from conversions.click_ids import is_click_id
from conversions.models import Click, Conversion, LedgerEntry, Postback
from conversions.networks.generic import values_of
from conversions.outcomes import Outcome
from conversions.replaying import IsTroubled
from dispatch.models import NetworkSlot
from dispatch.reports.periods import Period
from offers.models import Offer

Status = Conversion.Status
SALES = frozenset({Status.PENDING, Status.APPROVED, Status.PARTIAL})
KEPT = [Status.APPROVED, Status.PARTIAL]
TAKEN = [LedgerEntry.Kind.REFUND, LedgerEntry.Kind.PARTIAL]
LONGEST = 31
LATE = timedelta(days=31)
EARLY = timedelta(days=1)
MOST_POSTBACKS = 5000
FLAGS = ("status", "currency", "recorded", "happened", "double")


@dataclass
class Amount:
    """How many, and their money in the currency that is compared."""

    count: int = 0
    payout: Decimal = Decimal(0)

    def add(self, count: int, payout: Decimal) -> None:
        self.count += count
        self.payout += payout


@dataclass(frozen=True)
class Theirs:
    """What the network says: its number and sum, and which statuses are in them; `tests` if its own tests are."""

    count: int
    payout: Decimal
    currency: str
    counted: frozenset[str]
    tests: bool = False


@dataclass
class Differences:
    """Ours, the classes between, and what is left; `others` are conversions whose money is in another currency."""

    ours: Amount = field(default_factory=Amount)
    classes: dict[str, Amount] = field(default_factory=lambda: defaultdict(Amount))
    unexplained: Amount = field(default_factory=Amount)
    others: int = 0
    without_click: int = 0


def network_differences(offer: Offer, period: Period, theirs: Theirs) -> Differences:
    """A handful of queries by index, over 31 days at most and what was recorded up to 31 days later."""
    found = Differences()
    for key, count, payout in groups(offer, period, theirs.currency):
        place(found, key, theirs, count, payout)
    add_postbacks(found, offer, period, theirs)
    explained = Amount(found.ours.count, found.ours.payout)
    for amount in found.classes.values():
        explained.add(amount.count, amount.payout)
    found.unexplained = Amount(theirs.count - explained.count, theirs.payout - explained.payout)
    return found


def groups(offer: Offer, period: Period, currency: str) -> Iterator[tuple[dict[str, Any], int, Decimal]]:
    """Flags, how many conversions have them, and their money: payout, less what was refunded of those that stand."""
    rows = Conversion.objects.filter(window("", offer, period)).order_by().annotate(**flags("", period, offer))
    for row in rows.values(*FLAGS).annotate(count=Count("pk"), total=Sum("payout")):
        yield row, row["count"], (row["total"] or Decimal(0)) if row["currency"] in (currency, "") else Decimal(0)
    taken = LedgerEntry.objects.filter(
        window("conversion__", offer, period), kind__in=TAKEN, conversion__status__in=KEPT,
        conversion__currency=currency, currency=currency,
    )  # fmt: skip
    named = taken.order_by().annotate(**flags("conversion__", period, offer))
    for row in named.values("conversion__status", *FLAGS[2:]).annotate(total=Sum("payout")):
        yield {**row, "status": row["conversion__status"], "currency": currency}, 0, row["total"] or Decimal(0)


def window(path: str, offer: Offer, period: Period) -> Q:
    """What the network told that was recorded or happened in the period, as far as an index finds it."""
    inside = [within(f"{path}{name}", period) for name in ("created_at", "occurred_at")]
    bounds = {
        f"{path}offer": offer,
        f"{path}is_test": False,
        f"{path}created_at__gte": period.since - EARLY,
        f"{path}created_at__lt": period.until + LATE,
    }
    return Q(inside[0] | inside[1], **bounds) & ~Q(**{f"{path}status": Status.TRACKED})


def within(name: str, period: Period) -> Q:
    return Q(**{f"{name}__gte": period.since, f"{name}__lt": period.until})


def flags(path: str, period: Period, offer: Offer) -> dict[str, Any]:
    """Whether it was recorded and happened in the period, and whether it tells a sale again that is there already."""
    return {
        "recorded": truth(within(f"{path}created_at", period)),
        "happened": truth(within(f"{path}occurred_at", period)),
        "double": Exists(originals(path, offer)) & ~Q(**{f"{path}transaction_id": ""}),
    }


def truth(condition: Q) -> Case:
    return Case(When(condition, then=True), default=False, output_field=BooleanField())


def originals(path: str, offer: Offer) -> Any:
    """The same transaction, told before: rule 1 of doubles, the only one that is about sales."""
    same = {name: OuterRef(f"{path}{name}") for name in ("transaction_id", "event_name", "kind")}
    rows = Conversion.objects.filter(**same, is_test=False, pk__lt=OuterRef(f"{path}pk"))
    rows = rows.exclude(transaction_id="")  # or the index of those that have one would not do
    return rows.filter(offer__in=list(Offer.objects.filter(network=offer.network_id).values_list("pk", flat=True)))


def place(found: Differences, key: dict[str, Any], theirs: Theirs, count: int, payout: Decimal) -> None:
    """Into ours, and into the class that makes the difference, if there is one."""
    status = key["status"]
    is_ours = key["recorded"] and status in SALES
    is_theirs = key["happened"] and status in theirs.counted and not key["double"]
    if is_ours:
        found.ours.add(count, payout)
    if is_ours != is_theirs:
        sign = 1 if is_theirs else -1
        found.classes[class_of(key)].add(sign * count, sign * payout)
    if key["currency"] not in (theirs.currency, "") and (is_ours or is_theirs):
        found.others += count


def class_of(key: dict[str, Any]) -> str:
    """Why only one side counts it: when it was told, else that it is told twice, else how it stands."""
    if not key["recorded"]:
        return "late"
    if not key["happened"]:
        return "early"
    return "duplicates" if key["double"] and key["status"] in SALES else str(key["status"])


def add_postbacks(found: Differences, offer: Offer, period: Period, theirs: Theirs) -> None:
    """What the network told and nothing came of; of several offers, only what names a click of this one."""
    is_alone = not Offer.objects.filter(network=offer.network_id).exclude(pk=offer.pk).exists()
    mine, stray = unusable(offer, period.since, period.until)
    found.classes["unusable"].count += len(mine) + (len(stray) if is_alone else 0)
    found.without_click = 0 if is_alone else len(stray)
    if theirs.tests:
        slots = NetworkSlot.objects.filter(
            network=offer.network_id, outcome=Outcome.TEST, starts_at__gte=period.since, starts_at__lt=period.until
        )
        found.classes["tests"].count += slots.aggregate(all=Sum("postbacks"))["all"] or 0


def unusable(offer: Offer, since: datetime, until: datetime) -> tuple[set[str], set[str]]:
    """Sales in postbacks that led to nothing, repetitions once: those of the offer's clicks, those without a click."""
    troubled = Postback.objects.filter(
        IsTroubled("outcome"), network=offer.network_id, is_test=False, received_at__gte=since, received_at__lt=until
    )
    rows = troubled.select_related("network").only("params", "click_ref", "transaction_id", "network").order_by("-pk")
    named = [(row, values_of(row.params, row.network)) for row in rows[:MOST_POSTBACKS]]
    told = [(row.click_ref or said["click_id"].lower()[:100], sale_of(row, said)) for row, said in named]
    clicks = dict(Click.objects.filter(pk__in={ref for ref, _ in told if is_click_id(ref)}).values_list("pk", "offer"))
    mine = {sale for ref, sale in told if clicks.get(ref) == offer.pk}
    return mine, {sale for ref, sale in told if ref not in clicks} - mine


def sale_of(row: Postback, said: Any) -> str:
    return row.transaction_id or said["transaction_id"] or f"postback {row.pk}"
