"""Filters of lists by what a figure of health counts: what the pages of health lead to."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from conversions.admin.inbox import number_of
from dispatch.health import looking, rows, selecting
from offers.admin_parts import limits_in
from offers.models import Offer

WHOSE = {
    "offer__": "pk",
    "offer__network__": "network",
    "conversion__offer__": "pk",
    "conversion__offer__network__": "network",
}
"""The filters of both lists that say whose rows are wanted, and what that is of an offer."""


class FigureFilter(DropdownFilter):  # type: ignore[misc]
    """Comes last of a list's filters, so that it looks through what the others have left."""

    title = "figure of health"
    parameter_name = rows.FIGURE
    table = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        own = [part for part in rows.PARTS.values() if part.table == self.table]
        return [(part.name, part.label[0].upper() + part.label[1:]) for part in own]


class DeliveryFigureFilter(FigureFilter):
    table = rows.DELIVERY

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return found(request, queryset, self.table, self.value(), selecting.deliveries)


class ConversionFigureFilter(FigureFilter):
    table = rows.CONVERSION

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        select = partial(selecting.conversions, offers=offers_of(request))
        return found(request, queryset, self.table, self.value(), select)


Select = Callable[[QuerySet[Any], str], QuerySet[Any]]


def found(request: HttpRequest, queryset: QuerySet[Any], table: str, part: str, select: Select) -> QuerySet[Any]:
    """The rows of the part. Where no index leads to them they are looked for once, and not again to be counted."""
    if part not in looking.COUNTED:
        return select(queryset, part)
    column = rows.RECORDED[table]
    where = looking.recorded_where(part, column, offers_of(request), *limits_in(request.GET, column))
    newest = select(queryset.filter(where), part).order_by("-pk").values_list("pk", flat=True)
    return queryset.filter(pk__in=list(newest[: looking.MOST_ROWS]))


def offers_of(request: HttpRequest) -> QuerySet[Offer]:
    """Those that the list's other filters leave."""
    chosen = [(name, number_of(request.GET.get(f"{prefix}id__exact"))) for prefix, name in WHOSE.items()]
    return Offer.objects.filter(**{name: key for name, key in chosen if key is not None})
