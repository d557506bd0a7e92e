"""Filters of lists by what a figure of health counts: what the pages of health lead to."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from conversions.admin.inbox import number_of
from dispatch.health import looking, rows, selecting
from offers.admin_parts import know_count, limits_in
from offers.models import Offer

Select = Callable[[QuerySet[Any], str], QuerySet[Any]]
WHOSE = {
    "offer__": "pk",
    "offer__network__": "network",
    "conversion__offer__": "pk",
    "conversion__offer__network__": "network",
}
"""The filters of both lists that say whose rows are wanted, and what that is of an offer."""
PIXEL = "pixel__id__exact"
COUNTABLE = {rows.FIGURE, PAGE_VAR, PIXEL, *(f"{prefix}id__exact" for prefix in WHOSE)}
"""What may stand in a list's address, beside the span, for the sums to know how many rows the list has."""


class FigureFilter(DropdownFilter):  # type: ignore[misc]
    """Comes last of a list's filters, so that it looks through what the others have left."""

    title = "figure of health"
    parameter_name = rows.FIGURE
    table = ""

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.on_a_page = model_admin.list_per_page
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        own = [part for part in rows.PARTS.values() if part.table == self.table]
        return [(part.name, part.label[0].upper() + part.label[1:]) for part in own]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the part. Where no index leads to them they are looked for once, and not again to be counted."""
        part = self.value()
        if not part:
            return queryset
        select = self.selection(request)
        if part not in looking.COUNTED:
            return select(queryset, part)
        asked = asked_of(request, part, rows.RECORDED[self.table])
        if not is_page(request):
            return select(queryset.filter(looking.recorded_where(asked)), part)
        keys, count = looking.look(
            asked, lambda where: select(queryset.filter(where), part), self.wanted(request, asked)
        )
        know_count(request, count)
        return queryset.filter(pk__in=keys)

    def wanted(self, request: HttpRequest, asked: looking.Asked) -> int:
        """How many of the newest rows have to be known for a page to be shown, and their number."""
        page = number_of(request.GET.get(PAGE_VAR)) or 1
        return page * self.on_a_page if is_countable(request, asked) else looking.MOST_ROWS

    def selection(self, request: HttpRequest) -> Select:
        raise NotImplementedError


class DeliveryFigureFilter(FigureFilter):
    table = rows.DELIVERY

    def selection(self, request: HttpRequest) -> Select:
        return selecting.deliveries


class ConversionFigureFilter(FigureFilter):
    table = rows.CONVERSION

    def selection(self, request: HttpRequest) -> Select:
        return partial(selecting.conversions, offers=offers_of(request))


class FiguredMixin:
    """An admin whose list can be filtered by a figure: then the rows that were recorded last come first."""

    def get_ordering(self, request: HttpRequest) -> Sequence[str]:
        table = self.opts.db_table  # type: ignore[attr-defined]
        if request.GET.get(rows.FIGURE):
            return [f"-{rows.RECORDED[table]}", "-pk"]
        return super().get_ordering(request)  # type: ignore[misc, no-any-return]


def asked_of(request: HttpRequest, part: str, column: str) -> looking.Asked:
    since, until = limits_in(request.GET, column)
    pixel = number_of(request.GET.get(PIXEL))
    return looking.Asked(part, column, offers_of(request), pixel, since, until)


def is_page(request: HttpRequest) -> bool:
    """Whether the list is only looked at: no file is made of all its rows, and nothing is done to them."""
    return request.method == "GET" and str(getattr(request.resolver_match, "url_name", "")).endswith("_changelist")


def is_countable(request: HttpRequest, asked: looking.Asked) -> bool:
    """Whether the list has no rows but those that the sums of half-hours count."""
    span = {f"{asked.column}_{side}" for side in ("from_0", "from_1", "to_0", "to_1")}
    return request.GET.keys() <= COUNTABLE | span and asked.is_of_half_hours


def offers_of(request: HttpRequest) -> QuerySet[Offer]:
    """Those that the list's other filters leave."""
    chosen = [(name, number_of(request.GET.get(f"{prefix}id__exact"))) for prefix, name in WHOSE.items()]
    return Offer.objects.filter(**{name: key for name, key in chosen if key is not None})
