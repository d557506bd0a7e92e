"""Pages of this app beside lists and records: the admin's frame around our own templates."""

from typing import Any

from django.forms import Media
from django.http import HttpRequest
from django.template.response import TemplateResponse

STYLE = Media(css={"all": ["offers/admin.css"]})


def show(request: HttpRequest, template: str, title: str, model_admin: Any, **context: Any) -> TemplateResponse:
    """One of our templates in the frame, below the list of that admin."""
    frame = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "media": STYLE,
        "title": title,
    }
    return TemplateResponse(request, f"admin/conversions/{template}.html", {**frame, **context})
