"""The list of postbacks: what stands in its columns, how it is filtered, and the reasons above it.

All of it is bounded: postbacks grow by the million, and have indexes for what is troubled and for ids alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Lower, NullIf
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from conversions import clock
from conversions.click_ids import is_click_id
from conversions.models import Click, Postback
from conversions.networks.generic import values_of
from conversions.outcomes import TROUBLED, Outcome
from conversions.replaying import IsTroubled, troubled
from offers.admin_parts import RecordList, admin_link, limits_in, mono, shortened
from offers.models import Network, Offer

COUNTED = 5000
SEARCHED_FOR_OUTCOME = 300_000
SEARCHED_FOR_OFFER = 200_000
OUTCOME_PARAMETER = "outcome__exact"
NETWORK_PARAMETER = "network__id__exact"
TIME = "received_at"


class CappedCount(Subquery):
    """How many rows a query that is cut off at some number has."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def networks_in(request: HttpRequest) -> list[int]:
    """Those that the list is filtered by."""
    return numbers_in(request, NETWORK_PARAMETER)


def is_by_time(request: HttpRequest) -> bool:
    """Whether the list shows a span of one network or some, and so can go by the index of network and time."""
    return bool(networks_in(request)) and any(limits_in(request.GET, TIME))


def newest(request: HttpRequest, rows: "QuerySet[Postback]", count: int) -> "QuerySet[Postback]":
    """Those of the rows that are among the newest postbacks of the networks and the span that are chosen, else of all.

    Of a span the time decides, of all the ids: no index leads with the time alone.
    """
    if not is_by_time(request):
        last = Postback.objects.order_by("-pk").values("pk")[:1]
        return rows.filter(pk__gt=Subquery(last) - count)
    limits = zip(("gte", "lte"), limits_in(request.GET, TIME), strict=True)
    chosen = {f"{TIME}__{lookup}": limit for lookup, limit in limits if limit}
    span = Postback.objects.filter(network__in=networks_in(request), **chosen).order_by(f"-{TIME}")
    oldest = span.values_list(TIME, flat=True)[count - 1 : count].first()
    return rows.filter(received_at__gte=oldest) if oldest else rows


class OutcomeFilter(DropdownFilter):  # type: ignore[misc]
    """What troubles has an index. Of the good outcomes, the newest 300,000 of all or of the span are looked through."""

    title = "outcome"
    parameter_name = OUTCOME_PARAMETER

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(outcome.value, outcome.label) for outcome in Outcome]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Postback]) -> QuerySet[Postback]:
        chosen = self.value()
        if chosen not in Outcome:
            return queryset
        if chosen in TROUBLED:
            return queryset.filter(IsTroubled("outcome"), outcome=chosen)
        return newest(request, queryset.filter(outcome=chosen), SEARCHED_FOR_OUTCOME)


class OfferFilter(DropdownFilter):  # type: ignore[misc]
    """The offer of the conversion, else of the click that was sent, among the newest 200,000 of all or of the span.

    What the digest refused has its click id in the parameters only, where the postback URLs made here say `click_id`.
    """

    title = "offer"
    parameter_name = "offer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(key), name) for key, name in Offer.objects.order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Postback]) -> QuerySet[Postback]:
        chosen = number_of(self.value())
        if chosen is None:
            return queryset
        named = Coalesce(NullIf("click_ref", Value("")), Lower(KT("params__click_id")))
        clicked = Click.objects.filter(pk=OuterRef("named"), offer=chosen)
        of_offer = Q(conversion__offer=chosen) | Q(Exists(clicked), conversion=None)
        return newest(request, queryset.alias(named=named).filter(of_offer), SEARCHED_FOR_OFFER)


class InboxList(RecordList):
    """A list whose rows know what was sent, also where it was refused, and the offer of their click: one query more."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        for row in self.result_list:
            row.sent = sent_of(row)
        alone = {row.sent.click_id for row in self.result_list if row.conversion is None}
        clicks = Click.objects.select_related("offer").in_bulk([ref for ref in alone if is_click_id(ref)])
        for row in self.result_list:
            click = clicks.get(row.sent.click_id)
            row.offer = row.conversion.offer if row.conversion else click and click.offer


@dataclass(frozen=True)
class Sent:
    """What a postback names, as far as the inbox can tell without digesting it."""

    click_id: str
    transaction_id: str
    status: str


def sent_of(postback: Postback) -> Sent:
    """What the digest has found in it; of what it refused, what stands there under the usual names."""
    named = values_of(postback.params, postback.network)
    return Sent(
        postback.click_ref or named["click_id"].lower()[:100],
        postback.transaction_id or named["transaction_id"],
        postback.status_word or named["status"],
    )


def number_of(text: str | None) -> int | None:
    """An id out of an address; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def numbers_in(request: HttpRequest, name: str) -> list[int]:
    """The ids that a parameter names, of which a list shows the rows of any."""
    return [key for text in request.GET.getlist(name) if (key := number_of(text)) is not None]


def network_of(text: str | None) -> Network | None:
    """The network with the id out of an address."""
    key = number_of(text)
    return None if key is None else Network.objects.filter(pk=key).first()


def network_and_offer(row: Any) -> SafeString:
    return lines([row.network, admin_link(row.offer, row.offer.name) if row.offer else ""])


def click_and_transaction(row: Any) -> SafeString:
    return lines([mono(shortened(text, 30)) for text in (row.sent.click_id, row.sent.transaction_id) if text])


def lines(parts: Iterable[Any]) -> SafeString:
    """What there is of two things that share a column, below each other."""
    return format_html_join(SafeString("<br>"), "{}", [(part,) for part in parts if part])


@dataclass(frozen=True)
class Reason:
    """Why postbacks led to nothing, and how many; COUNTED stands for that many or more."""

    outcome: Outcome
    count: int
    is_chosen: bool

    @property
    def shown(self) -> str:
        return count_shown(self.count)


@dataclass(frozen=True)
class Strip:
    """What stands above the list."""

    reasons: list[Reason]
    waiting: int
    network: Network | None

    @property
    def chosen(self) -> Reason | None:
        """The one that the list is filtered by."""
        return next((reason for reason in self.reasons if reason.is_chosen), None)

    @property
    def network_key(self) -> str:
        return str(self.network.pk) if self.network else ""

    @property
    def waiting_shown(self) -> str:
        return count_shown(self.waiting)


def count_shown(count: int) -> str:
    return f"{COUNTED:,} or more" if count >= COUNTED else f"{count:,}"


def strip_of(request: HttpRequest) -> Strip:
    """The reasons of what is troubled with their counts, of the chosen network or of all, in two queries."""
    chosen = request.GET.get(OUTCOME_PARAMETER)
    network = network_of(request.GET.get(NETWORK_PARAMETER))
    counts = counts_of(TROUBLED, network)
    reasons = [Reason(Outcome(name), counts[name], name == chosen) for name in TROUBLED if counts[name]]
    return Strip(sorted(reasons, key=lambda reason: -reason.count), counts["due"], network)


def counts_of(outcomes: Iterable[str], network: Network | None) -> dict[str, int]:
    """How many there are of each outcome, and `due` to be digested, each up to COUNTED; one query."""
    rows = {name: troubled(name).filter(is_test=False) for name in outcomes} | {
        "due": Postback.objects.due(clock.now())
    }
    if network:
        rows = {name: found.filter(network=network) for name, found in rows.items()}
    counted = {name: CappedCount(found.order_by().values("pk")[:COUNTED]) for name, found in rows.items()}
    any_row = Network.objects.order_by("pk").annotate(**counted).values(*counted)
    return any_row.first() or dict.fromkeys(rows, 0)
