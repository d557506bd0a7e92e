"""Filtering postbacks by when they came, which no index knows: their keys grow with it, and keys have one."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest

from conversions.models import Postback
from offers.admin_parts import SpanFilter, limits_in

DISORDER = timedelta(hours=1)  # how much later than a younger one a postback may have got its key


class ReceivedFilter(SpanFilter):
    """From and to. Only the keys of about that time are looked through, in two dozen steps a side to find them."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = limits_in(self.used_parameters, self.parameter_name)
        if first:
            queryset = queryset.filter(pk__gte=key_at(shifted(first, -DISORDER)))
        if last:
            queryset = queryset.filter(pk__lt=key_at(shifted(last, DISORDER)))
        return super().queryset(request, queryset)


def shifted(moment: datetime, by: timedelta) -> datetime:
    """The moment earlier or later by so much; as it is in the first and the last hour that a date can name."""
    try:
        return moment + by
    except OverflowError:
        return moment


def key_at(moment: datetime) -> int:
    """The lowest key of those that came at this moment or later, where keys are in the order of arrival."""
    ends = Postback.objects.aggregate(low=Min("pk"), high=Max("pk"))
    low, high = ends["low"] or 0, ends["high"] or 0
    rows = Postback.objects.order_by("pk").values_list("pk", "received_at")
    while low <= high:
        middle = (low + high) // 2
        found = rows.filter(pk__gte=middle).first()
        if found and found[1] < moment:
            low = found[0] + 1
        else:
            high = middle - 1
    return low
