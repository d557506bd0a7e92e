"""What the admin pages of all apps share: rows that nobody edits, coloured badges, links to other pages."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

TONES = {
    "good": "bg-green-100 text-green-800 dark:bg-green-500/20 dark:text-green-300",
    "busy": "bg-blue-100 text-blue-800 dark:bg-blue-500/20 dark:text-blue-300",
    "warn": "bg-orange-100 text-orange-800 dark:bg-orange-500/20 dark:text-orange-300",
    "bad": "bg-red-100 text-red-800 dark:bg-red-500/20 dark:text-red-300",
    "calm": "bg-base-100 text-base-700 dark:bg-base-500/20 dark:text-base-300",
}


def badge(text: str, tone: str = "calm") -> SafeString:
    """A small coloured label; tones are good, busy, warn, bad and calm."""
    classes = "inline-block rounded px-2 py-0.5 text-xs font-semibold whitespace-nowrap " + TONES[tone]
    return format_html('<span class="{}">{}</span>', classes, text)


def admin_link(row: models.Model | None, text: str = "") -> str | SafeString:
    """A link to a row's admin page; a dash where there is no row."""
    if row is None:
        return "–"
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text or str(row))


class RecordAdmin(ModelAdmin):  # type: ignore[misc]
    """For rows that the system writes: staff look, nobody edits."""

    show_full_result_count = False
    list_per_page = 50
    actions: Sequence[Any] = []

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecordInline(TabularInline):  # type: ignore[misc]
    """Rows of another table on a record's page, for looking only."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
