"""What the admin pages of all apps share: rows that nobody edits, coloured badges, links to other pages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, checkbox
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.utils import parse_datetime_str
from unfold.views import ChangeList

TONES = {
    "good": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    "busy": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    "warn": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "bad": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "calm": "bg-base-100 text-base-700 dark:bg-base-500/20 dark:text-base-300",
}
KEY_OF_ROW = "key-of-row"


def badge(text: str, tone: str = "calm") -> SafeString:
    """A small coloured label; tones are good, busy, warn, bad and calm."""
    classes = "inline-block rounded px-2 py-1 text-xs font-semibold whitespace-nowrap " + TONES[tone]
    return format_html('<span class="{}">{}</span>', classes, text)


def admin_link(row: models.Model | None, text: str = "") -> str | SafeString:
    """A link to a row's admin page; a dash where there is no row."""
    if row is None:
        return "–"
    return link(reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]), text or str(row))


def link(url: str, text: str) -> SafeString:
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text)


def mono(text: object) -> SafeString:
    """Ids, addresses and codes: fixed width, and wrapping wherever they must."""
    return format_html('<span class="mono">{}</span>', text) if text not in ("", None) else SafeString("–")


def shortened(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def moment(time: datetime | None) -> str:
    """A time with seconds, as every page of the admin shows it, unbroken; the year only when it is another one."""
    if time is None:
        return "–"
    local = timezone.localtime(time)
    text = format_date(local, "j M, H:i:s" if local.year == timezone.localtime().year else "j M Y, H:i:s")
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def sentences(*parts: str) -> str:
    """The parts that say something, each with its full stop."""
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in map(str.strip, parts) if part)


def shown(description: str, read: Callable[[Any], Any]) -> Any:
    """A column or field of an admin page that is read off the row; a dash where it is empty."""

    @admin.display(description=description)
    def column(row: Any) -> Any:
        value = read(row)
        return "–" if value in ("", None) else value

    return staticmethod(column)


def page_url(name: str, *args: Any) -> str:
    """The address of an admin page that another app may have; empty when it has not."""
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> SafeString:
    """Rows of another table on a record's page; `empty` is the sentence for when there are none."""
    labelled = [list(zip(headers, row, strict=True)) for row in rows]
    return render_to_string("admin/offers/table.html", {"headers": headers, "rows": labelled, "empty": empty})


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than anybody pages: an exact count of millions of rows would cost seconds on every page."""

    cap = 10_000
    template_name = "admin/offers/pagination.html"

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[: self.cap].count() if isinstance(rows, models.QuerySet) else len(rows)

    @property
    def is_capped(self) -> bool:
        return self.count >= self.cap


def know_count(request: HttpRequest, count: int) -> None:
    """Of the list that the request is for: nobody need count its rows."""
    request.rows_in_list = count  # type: ignore[attr-defined]


class SpanFilter(RangeDateTimeFilter):  # type: ignore[misc]
    """From and to; a date without a time means the whole day."""

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        for lookup, limit in zip(("gte", "lte"), limits_in(self.used_parameters, self.parameter_name), strict=True):
            if limit:
                queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": limit})
        return queryset


def limits_in(params: Mapping[str, Any], name: str) -> tuple[datetime | None, datetime | None]:
    """What a SpanFilter of that name is asked for: from and to, the last moment included; None where it is not."""

    def limit(side: str, fallback: str) -> datetime | None:
        day, time = params.get(f"{name}_{side}_0"), params.get(f"{name}_{side}_1") or fallback
        parsed = parse_datetime_str(f"{day} {time}") if day else None
        return timezone.make_aware(parsed) if parsed else None

    return limit("from", "00:00:00"), limit("to", "23:59:59.999999")


class FilteredList(ChangeList):  # type: ignore[misc]
    """A list whose filters are asked for nothing that no text in the database can hold."""

    def get_filters(self, request: HttpRequest) -> Any:
        """Raises IncorrectLookupParameters, which leads to the list without filters."""
        if any("\x00" in value for values in self.get_filters_params().values() for value in values):
            raise IncorrectLookupParameters
        return super().get_filters(request)


class RecordList(FilteredList):
    """A list that does not pretend to know how many rows there are beside those that it shows."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count


@cache
def row_box() -> str:
    """The box before a row, with a word where its key belongs: three templates, which fifty rows need not render."""
    return str(checkbox.render(ACTION_CHECKBOX_NAME, KEY_OF_ROW))


class ListedAdmin(ModelAdmin):  # type: ignore[misc]
    """A list of many rows."""

    @admin.display(description=ModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: models.Model) -> SafeString:
        return SafeString(row_box().replace(KEY_OF_ROW, escape(obj.pk)))


class RecordAdmin(ListedAdmin):
    """For rows that the system writes: staff look, nobody edits."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # counting every filter's rows would read the whole table
    paginator = CappedPaginator
    empty_sentence = "Nothing is recorded yet."
    list_per_page = 50
    list_fullwidth = True
    actions: Sequence[Any] = []

    class Media:
        css = {"all": ["offers/admin.css"]}
        js = ["offers/copy.js"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RecordList]:
        return RecordList

    def get_paginator(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = super().get_paginator(request, *args, **kwargs)
        if (known := getattr(request, "rows_in_list", None)) is not None:
            found.count = min(known, CappedPaginator.cap)
        return found

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
