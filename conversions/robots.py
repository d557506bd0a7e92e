"""What asks for a page but is no visitor: prefetchers, link previews, crawlers. They are led on like everybody.

Only what says of itself that it is one. A browser that is driven and a plain HTTP client are how people try their own
set-up, from the link to TikTok, so they count as visitors.
"""

from functools import lru_cache

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from django.http import HttpRequest

from conversions.models import Robot

TOOLS = {"http-library", "browser-automation"}
PATTERNS = [str(entry["pattern"]) for entry in CRAWLER_USER_AGENTS_DATA if not TOOLS.intersection(entry["tags"])]
ROOM = re2.Options()
ROOM.max_mem, ROOM.log_errors = 64 << 20, False  # with its usual room it would be slow, and say so on every request
BOT = re2.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS), ROOM)
# Chrome, Firefox and Safari, the newer header first; X-Moz and X-Purpose are of older ones.
PURPOSE_HEADERS = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
AHEAD = ("prefetch", "prerender", "preview")
KEPT_ANSWERS = 4096


def robot_of(request: HttpRequest) -> str:
    """What kind of Robot asks; empty for a visitor. A bot that fetches ahead is a bot."""
    if is_bot(request.META.get("HTTP_USER_AGENT", "").strip()):
        return Robot.BOT
    return Robot.PREFETCH if request.method == "HEAD" or is_fetched_ahead(request) else ""


@lru_cache(KEPT_ANSWERS)
def is_bot(user_agent: str) -> bool:
    """Whether nobody looks at the page behind this User-Agent; browsers inside apps are people's."""
    return BOT.search(user_agent) is not None


def is_fetched_ahead(request: HttpRequest) -> bool:
    """Whether a browser fetches the page before anybody asked for it, and perhaps in vain."""
    purposes = [request.META[name].lower() for name in PURPOSE_HEADERS if name in request.META]
    return any(word in purpose for purpose in purposes for word in AHEAD)
