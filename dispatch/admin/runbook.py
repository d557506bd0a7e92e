"""The runbook of docs/ as pages of the admin, with an anchor for each code that messages lead to."""

from itertools import pairwise
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dispatch.admin.screens import show
from dispatch.findings.finding import Code
from offers.admin_parts import link

FOLDER = settings.BASE_DIR / "docs"


def runbook(request: HttpRequest, model_admin: Any, name: str = "runbook") -> HttpResponse:
    """The runbook, and the files beside it that it refers to. Raises Http404.

    For everybody who may log in: whoever gets a message must be able to read what to do.
    """
    file = FOLDER / f"{name}.md"
    if not file.is_file():
        raise Http404(f"There is no docs/{name}.md in this installation.")
    return show(request, "runbook", "Runbook", model_admin, content=rendered(file.read_text()))


def see_and_do(url: str, code: str) -> SafeString:
    """Links to where something is seen, and to the section on what to do about it, as far as there are such."""
    steps = [(url, "See it")] if url else []
    if code in Code.values:
        steps.append((f"{reverse('admin:dispatch_runbook')}#{code}", "Runbook"))
    return format_html("<span>{}</span>", format_html_join(" · ", "{}", ((link(*step),) for step in steps)))


def rendered(text: str) -> SafeString:
    """Markdown as HTML; HTML inside it stays text, and links lead to nothing but addresses."""
    parser = MarkdownIt("js-default")
    tokens = parser.parse(text)
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(content))
    return SafeString(parser.renderer.render(tokens, parser.options, {}))


def anchor_of(heading: Token) -> str:
    """The code that the heading names, or its words."""
    words = heading.content.replace("`", " ").split()
    return next((word for word in words if word in Code.values), slugify(heading.content))
