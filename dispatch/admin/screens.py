"""What the pages of this app share: the admin's frame around our own templates, times and people as text."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import ModelAdmin, display, site
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from offers.admin_parts import moment


def show(
    request: HttpRequest, template: str, title: str, model_admin: "ModelAdmin[Any] | None" = None, **context: Any
) -> HttpResponse:
    """One of our templates in the admin's frame."""
    frame = {**site.each_context(request), "title": title, "model_admin": model_admin}
    return render(request, f"admin/dispatch/{template}.html", {**frame, **context})


def when(field: str, description: str) -> Callable[[Any, Any], str]:
    """A column or field that shows a time as every page here does."""

    @display(description=f"{description} (UTC)")
    def shown(model_admin: Any, row: Any) -> str:
        return moment(getattr(row, field))

    return shown


def who(field: str, description: str) -> Callable[[Any, Any], str]:
    """A person by name, without a link that most roles may not follow."""

    @display(description=description)
    def shown(model_admin: Any, row: Any) -> str:
        return str(getattr(row, field) or "–")

    return shown
