"""How the lists mark what test conversions have made, and leave it out."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from offers.admin_parts import badge


def marked(row: Any, text: object) -> SafeString:
    """The text, with a badge behind it where the row is a test's."""
    return format_html("{} {}", text, badge("Test", "busy")) if row.is_test else format_html("{}", text)


class TestFilter(SimpleListFilter):
    """What test conversions have made, found by an index, or everything else."""

    title = "test conversions"
    parameter_name = "test"
    __test__ = False  # pytest would take it for a class of tests

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Tests only"), ("no", "Without tests")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(is_test=self.value() == "yes")
