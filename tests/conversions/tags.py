"""Rendering the template tags as a page would, and reading what came out as a browser would."""

import json
import re
from html.parser import HTMLParser
from typing import Any

from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory

from conversions.models import Click
from tests.factories import make_click, make_offer

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
RULES: list[dict[str, Any]] = [
    {"trigger": "page", "event_name": "ViewContent"},
    {"trigger": "approved", "event_name": "Purchase"},
]
PIXEL, VIEW = "{% tiktok_pixel %}", '{% tiktok_event "ViewContent" %}'
HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"'`;alert(1)//",
    "\u2028\u2029\n\r\x00",
    "<!--<script>",
    "{{7*7}}",
    "\\",
]


def page_request(path: str = "/page/", query: Any = None, **headers: str) -> HttpRequest:
    return RequestFactory().get(path, query or {}, **{"HTTP_USER_AGENT": BROWSER, **headers})


def render(source: str, request: HttpRequest | None = None, **context: Any) -> str:
    return Template("{% load tiktok %}" + source).render(Context({"request": request or page_request(), **context}))


def page(source: str, click: Click | None = None, **context: Any) -> str:
    """The page as its visitor gets it, whose browser keeps the click."""
    request = page_request(query={"click_id": click.pk} if click else None)
    request.COOKIES = {"click_id": click.pk} if click else {}
    return render(source, request, **context)


def make_tagged_click(**offer_fields: Any) -> Click:
    return make_click(make_offer(RULES, **offer_fields))


def arguments_of(function: str, html: str) -> list[Any]:
    """The JSON arguments of every call of a function on the page."""
    return [json.loads(f"[{found}]") for found in re.findall(rf"^{re.escape(function)}\((.*)\);", inline(html), re.M)]


def told(method: str, html: str) -> list[list[Any]]:
    """The pixel and the JSON arguments of every call of a method for one pixel."""
    pattern = rf'^ttq\.instance\(("(?:[^"\\]|\\.)*")\)\.{method}\((.*)\);'
    return [
        json.loads(f"[{code}, {said}]" if said else f"[{code}]")
        for code, said in re.findall(pattern, inline(html), re.M)
    ]


def tracked(html: str) -> list[tuple[str, dict[str, Any], str]]:
    """Name, properties and event_id of every event on the page that the Pixel is told."""
    return [(name, said, target["event_id"]) for _, name, said, target in told("track", html)]


def pushed(html: str, what: str) -> list[Any]:
    """The messages of one kind to the offer's script, each without its first word."""
    messages = [message for (message,) in arguments_of("(window.tracking = window.tracking || []).push", html)]
    return [message[1:] for message in messages if message[0] == what]


def inline(html: str) -> str:
    return "\n".join(Scripts(html).inline)


class Scripts(HTMLParser):
    """What a browser takes for elements, and for the text of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if tag == "script" and name == "src"]

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script":
            self.inline.append(data)
