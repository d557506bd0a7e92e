"""What asks for a page but is no visitor: prefetchers, link previews, crawlers. They are led on like everybody.

Only what says of itself that it is one. Plain HTTP clients, driven browsers and who names no browser at all are robots,
too, except on a local installation, where people try their set-up with them, from the link to TikTok.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from django.http import HttpRequest

from conversions.models import Robot
from conversions.visitor import is_local_installation

TOOLS = {"http-library", "browser-automation"}
ROOM = re2.Options()
ROOM.max_mem, ROOM.log_errors = 64 << 20, False  # with its usual room it would be slow, and say so on every request
# Chrome, Firefox and Safari, the newer header first; X-Moz and X-Purpose are of older ones.
PURPOSE_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
AHEAD = ("prefetch", "prerender", "preview")
KEPT_ANSWERS = 4096


def any_of(entries: Iterable[Mapping[str, Any]]) -> Any:
    """One pattern that finds what any of these entries of the list finds."""
    return re2.compile("|".join(f"(?:{entry['pattern']})" for entry in entries), ROOM)


TOOL = any_of(entry for entry in CRAWLER_USER_AGENTS_DATA if TOOLS.intersection(entry["tags"]))
CRAWLER = any_of(entry for entry in CRAWLER_USER_AGENTS_DATA if not TOOLS.intersection(entry["tags"]))


def robot_of(request: HttpRequest) -> str:
    """What kind of Robot asks; empty for a visitor. A bot that fetches ahead is a bot."""
    if is_bot(request.META.get("HTTP_USER_AGENT", "").strip()):
        return Robot.BOT
    return Robot.PREFETCH if request.method == "HEAD" or is_fetched_ahead(request) else ""


def is_bot(user_agent: str) -> bool:
    """Whether nobody looks at the page behind this User-Agent; browsers inside apps are people's."""
    return is_crawler(user_agent) or (is_tool(user_agent) and not is_local_installation())


@lru_cache(KEPT_ANSWERS)
def is_crawler(user_agent: str) -> bool:
    return CRAWLER.search(user_agent) is not None


@lru_cache(KEPT_ANSWERS)
def is_tool(user_agent: str) -> bool:
    """Whether it is a plain HTTP client, a driven browser, or says nothing."""
    return not user_agent or TOOL.search(user_agent) is not None


def is_fetched_ahead(request: HttpRequest) -> bool:
    """Whether a browser fetches the page before anybody asked for it, and perhaps in vain."""
    purposes = [request.META[name].lower() for name in PURPOSE_HEADERS if name in request.META]
    return any(word in purpose for purpose in purposes for word in AHEAD)
