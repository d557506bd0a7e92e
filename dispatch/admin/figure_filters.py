"""Filters of lists by what a figure of health counts: what the pages of health lead to."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from conversions.admin.inbox import numbers_in
from dispatch.findings.finding import Scope
from dispatch.health import looking, rows, selecting
from offers.admin_parts import know_count, limits_in
from offers.models import Offer

Select = Callable[[QuerySet[Any], str], QuerySet[Any]]
OF_OFFERS = {
    "offer__id__exact": "pk",
    "offer__network__id__exact": "network",
    "conversion__offer__id__exact": "pk",
    "conversion__offer__network__id__exact": "network",
}
"""The filters of both lists that say whose rows are wanted, and what that is of an offer."""


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
        """The rows of the part. Where no index leads to them, a page is looked for no further than it needs."""
        part = self.value()
        if not part:
            return queryset
        select = self.selection(request)
        if part not in looking.COUNTED:
            return select(queryset, part)
        asked = self.asked(request, part)
        if not (is_page(request) and self.is_countable(request, asked)):
            return select(queryset.filter(looking.recorded_where(asked)), part)
        wanted = min(page_of(request) * self.on_a_page, looking.MOST_ROWS)
        keys, count = looking.look(asked, lambda where: select(queryset.filter(where), part), wanted)
        know_count(request, count)
        return queryset.filter(pk__in=keys)

    def selection(self, request: HttpRequest) -> Select:
        raise NotImplementedError

    def asked(self, request: HttpRequest, part: str) -> looking.Asked:
        column = rows.RECORDED[self.table]
        pixels = numbers_in(request, rows.WHOSE.get((self.table, Scope.PIXEL), ""))
        return looking.Asked(part, column, offers_of(request), pixels, *limits_in(request.GET, column))

    def is_countable(self, request: HttpRequest, asked: looking.Asked) -> bool:
        """Whether the list has no rows but those that the sums of half-hours count."""
        whose = {name for (table, _), name in rows.WHOSE.items() if table == self.table}
        span = {f"{asked.column}_{side}" for side in ("from_0", "from_1", "to_0", "to_1")}
        given = {name for name, values in request.GET.lists() if any(values)}
        return given <= {rows.FIGURE, PAGE_VAR} | whose | span and asked.is_of_half_hours


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


def is_page(request: HttpRequest) -> bool:
    """Whether the list is only looked at: no file is made of all its rows, and nothing is done to them."""
    return request.method == "GET" and str(getattr(request.resolver_match, "url_name", "")).endswith("_changelist")


def page_of(request: HttpRequest) -> int:
    """The page that is asked for, as the list reads it."""
    try:
        return max(int(request.GET.get(PAGE_VAR, 1)), 1)
    except ValueError:
        return 1


def offers_of(request: HttpRequest) -> QuerySet[Offer]:
    """Those that the list's other filters leave."""
    chosen = [(field, numbers_in(request, name)) for name, field in OF_OFFERS.items()]
    return Offer.objects.filter(**{f"{field}__in": keys for field, keys in chosen if keys})
