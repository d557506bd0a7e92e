"""Filtering postbacks by when they came. Of one network an index knows it; of all, keys do that grow with it."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest

from conversions.admin.inbox import networks_in
from conversions.models import Postback
from offers.admin_parts import SpanFilter, limits_in

DISORDER = timedelta(hours=1)  # how much later than a younger one a postback may have got its key


class ReceivedFilter(SpanFilter):
    """From and to. Where networks are chosen the list is exact, whatever order the rows were written in.

    Among all networks no index leads with the time, and sorting all that came in a month would take as long as reading
    the table. So only the keys of about that time are looked through, in two dozen steps a side to find them: rows
    that were written more than an hour out of the order of their arrival may be missing there.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = limits_in(self.used_parameters, self.parameter_name)
        is_by_key = not networks_in(request)
        if first and is_by_key:
            queryset = queryset.filter(pk__gte=key_at(shifted(first, -DISORDER)))
        if last and is_by_key:
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
