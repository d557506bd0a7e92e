"""The rows behind a figure as queries, by the same definitions as the sums: see docs/figures.md."""

from collections import defaultdict
from collections.abc import Callable

from django.db.models import Exists, OuterRef, Q, QuerySet

from conversions.models import Conversion, LedgerEntry, Sighting
from dispatch import clock
from dispatch.models import Delivery, DeliveryAttempt
from dispatch.reasons import Reason
from dispatch.rollups.doubles import doubles_among
from dispatch.rollups.promises import NO_FAULT_OF_THE_EVENT
from dispatch.rollups.traffic import DAY
from offers.models import EventRule, Offer

Status = Delivery.Status
PAGE = EventRule.Trigger.PAGE
UNCERTAIN = Q(status=Status.HELD, reason=Reason.OUTCOME_UNKNOWN)
WAITING = Q(status__in=[Status.WAITING, Status.LEASED]) | UNCERTAIN
DUE = WAITING | Q(status__in=[Status.ACCEPTED, Status.DEAD, Status.DISCARDED])
SAID_BY_PAGE = Q(conversion__page_value__isnull=False) | Q(conversion__page_properties__isnull=False)


def tries() -> QuerySet[DeliveryAttempt]:
    """Those of the outer delivery."""
    return DeliveryAttempt.objects.filter(delivery=OuterRef("pk")).order_by("pk")


def retries() -> QuerySet[DeliveryAttempt]:
    """The second try and no other, of those that say something about the event."""
    return tries().exclude(verdict__in=NO_FAULT_OF_THE_EVENT)[1:2]


def seen(outcome: str) -> Exists:
    return Exists(Sighting.objects.filter(conversion=OuterRef("conversion"), outcome=outcome))


def on_both_legs() -> Q:
    rules = EventRule.objects.filter(
        offer=OuterRef("conversion__offer"),
        event_name=OuterRef("event_name"),
        trigger=PAGE,
        legs=EventRule.Legs.BOTH,
        offer__tracking_mode=Offer.TrackingMode.BOTH,
    )
    own = LedgerEntry.objects.filter(conversion=OuterRef("conversion"))
    by_network = Exists(own.filter(created_at__lte=OuterRef("conversion__created_at")))
    is_called = SAID_BY_PAGE | Q(conversion__occurrence_key="") | ~Q(by_network)
    return DUE & is_called & Q(Exists(rules))


def fired() -> Exists:
    return seen(Sighting.Outcome.FIRED)


def blocked() -> Exists:
    return seen(Sighting.Outcome.BLOCKED)


OF_INDEX: dict[str, Callable[[], Q]] = {
    "due": lambda: DUE,
    "accepted": lambda: Q(status=Status.ACCEPTED),
    "waiting": lambda: WAITING,
    "dead": lambda: Q(status=Status.DEAD),
    "discarded": lambda: Q(status=Status.DISCARDED),
    "held": lambda: Q(status=Status.HELD) & ~Q(reason=Reason.OUTCOME_UNKNOWN),
    "suppressed": lambda: Q(status=Status.SUPPRESSED),
}
WITHOUT_INDEX: dict[str, Callable[[], Q]] = {
    "tried": lambda: DUE & Q(Exists(tries())),
    "retried": lambda: DUE & Q(Exists(retries())),
    "both_legs": on_both_legs,
    "fired": lambda: on_both_legs() & Q(fired()),
    "blocked": lambda: on_both_legs() & Q(blocked()) & ~Q(fired()),
    "unheard": lambda: on_both_legs() & ~Q(blocked()) & ~Q(fired()),
    "no_ttclid": lambda: DUE & Q(conversion__click__ttclid=""),
    "no_ttp": lambda: DUE & Q(conversion__click__ttp=""),
}


def deliveries(rows: QuerySet[Delivery], part: str) -> QuerySet[Delivery]:
    """Those of the deliveries that are this part of the figures; none for a name that nothing has."""
    rows = rows.filter(is_test=False, conversion__is_test=False)
    if part in OF_INDEX:
        return rows.filter(OF_INDEX[part]())
    return rows.filter(WITHOUT_INDEX[part]()) if part in WITHOUT_INDEX else rows.none()


def conversions(rows: QuerySet[Conversion], part: str, offers: QuerySet[Offer] | None = None) -> QuerySet[Conversion]:
    """The same of conversions; `offers` are those that they may be of, where that is known."""
    offers = Offer.objects.all() if offers is None else offers
    rows = rows.filter(is_test=False)
    if part == "all":
        return rows
    if part == "doubles":
        return rows.filter(pk__in=doubles(rows, offers))
    if part in ("expected", "unreported"):
        return expected(rows, part == "unreported", offers)
    return rows.none()


def doubles(rows: QuerySet[Conversion], offers: QuerySet[Offer]) -> set[int]:
    """The keys of those that tell a sale again. A query or four for all offers of a network with the same events."""
    postback_events = defaultdict(set)
    for offer, event_name in EventRule.objects.exclude(trigger=PAGE).values_list("offer_id", "event_name"):
        postback_events[offer].add(event_name)
    alike = defaultdict(list)
    for offer, network in offers.order_by("pk").values_list("pk", "network_id"):
        alike[network, frozenset(postback_events[offer])].append(offer)
    found: set[int] = set()
    for (network, events), keys in alike.items():
        found |= doubles_among(rows.filter(offer__in=keys), network, set(events))
    return found


def expected(rows: QuerySet[Conversion], is_unreported: bool, offers: QuerySet[Offer]) -> QuerySet[Conversion]:
    """What a page reported and the network was to report as well; of these, what it has not."""
    rules = EventRule.objects.filter(offer=OuterRef("offer"), event_name=OuterRef("event_name"))
    of_both = Q(Exists(rules.filter(trigger=PAGE))) & Q(Exists(rules.exclude(trigger=PAGE)))
    entries = LedgerEntry.objects.filter(conversion=OuterRef("pk"))
    before = entries if is_unreported else entries.filter(created_at__lte=OuterRef("created_at"))
    found = rows.filter(of_both, created_at__lte=clock.now() - DAY).exclude(Exists(before))
    return found.exclude(pk__in=doubles(found, offers))
