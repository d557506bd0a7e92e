"""Filters of lists by what a figure of health counts: what the pages of health lead to."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from conversions.admin.inbox import number_of
from dispatch.health import rows, selecting
from offers.models import Offer

WHOSE = {"pk": "offer__", "network": "offer__network__"}


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
        return selecting.deliveries(queryset, self.value()) if self.value() else queryset


class ConversionFigureFilter(FigureFilter):
    table = rows.CONVERSION

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return selecting.conversions(queryset, self.value(), offers_of(request)) if self.value() else queryset


def offers_of(request: HttpRequest) -> QuerySet[Offer]:
    """Those that the list's other filters leave."""
    chosen = {name: number_of(request.GET.get(f"{prefix}id__exact")) for name, prefix in WHOSE.items()}
    return Offer.objects.filter(**{name: key for name, key in chosen.items() if key is not None})
