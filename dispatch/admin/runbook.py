"""The runbook of docs/ as pages of the admin, with an anchor for each code that messages lead to."""

from itertools import pairwise
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dispatch.admin.screens import show
from dispatch.findings.finding import Code

FOLDER = settings.BASE_DIR / "docs"


def runbook(request: HttpRequest, model_admin: Any, name: str = "runbook") -> HttpResponse:
    """The runbook, and the files beside it that it refers to. Raises Http404.

    For everybody who may log in: whoever gets a message must be able to read what to do.
    """
    file = FOLDER / f"{name}.md"
    if not file.is_file():
        raise Http404(f"There is no docs/{name}.md in this installation.")
    return show(request, "runbook", "Runbook", model_admin, content=rendered(file.read_text()))


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
