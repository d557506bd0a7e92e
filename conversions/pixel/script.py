"""`GET /pixel/<offer>.js`: the script for pages that Django does not render, in one small file that browsers keep."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import minify
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from conversions import configuration
from offers.vocabulary import CURRENCIES

HERE = Path(__file__).parent
# A second copy of the script finds its offer on the page already and does nothing; a fault of ours stays ours.
FRAME = """(function (config) {{
"use strict";
try {{
{page}
if (!hub.offers[config.offer]) {{
{parts}
}}
}} catch (error) {{ console.warn("tracking: " + error); }}
}})"""
PARTS = ("browser.js", "properties.js", "ttq.js", "tracker.js")
MEDIA_TYPE = "application/javascript"
HEADERS = {
    "Cache-Control": "public, max-age=300",
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def minified() -> str:
    """The script as one function of its configuration, without comments and blanks, with short names."""
    parts = "\n".join((HERE / name).read_text() for name in PARTS)
    whole = FRAME.format(page=(HERE / "page.js").read_text(), parts=parts)
    return str(minify.string(MEDIA_TYPE, whole)).removesuffix(";")


# Made when the process starts: the minifier is written in Go and must not be called after a fork.
SOURCE = minified()


@dataclass(frozen=True)
class Script:
    """One offer's script, ready to go out."""

    plain: bytes
    zipped: bytes
    etag: str


@require_safe
def script(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The offer's script; 404 for an offer that is unknown or not active."""
    offer = configuration.offers.get(slug)
    if offer is None:
        raise Http404
    made = make_script(slug, offer.currency, settings.PUBLIC_BASE_URL, settings.TIKTOK_PIXEL_URL)
    packing = {"Content-Encoding": "gzip"} if takes_gzip(request) else {}
    content = made.zipped if packing else made.plain
    headers = {**HEADERS, **packing, "ETag": made.etag, "Vary": "Accept-Encoding"}
    response = HttpResponse(content, "text/javascript; charset=utf-8", headers=headers)
    return get_conditional_response(request, etag=made.etag, response=response) or response


def takes_gzip(request: HttpRequest) -> bool:
    """Whether the browser unpacks gzip; all of them say so, and without weights."""
    offered = request.headers.get("Accept-Encoding", "").lower().replace(" ", "").split(",")
    return "gzip" in offered


@lru_cache(maxsize=200)
def make_script(slug: str, currency: str, tracker: str, pixel_url: str) -> Script:
    """The source behind its configuration. JSON in ASCII is safe in a script file whatever the values hold."""
    config = {
        "offer": slug,
        "tracker": tracker,
        "pixel": f"{pixel_url}/i18n/pixel/events.js",
        "currency": currency if currency in CURRENCIES else "",
    }
    plain = f"{SOURCE}({json.dumps(config)});\n".encode()
    # Weak, as the packed answer has the same.
    etag = f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"'
    return Script(plain, gzip.compress(plain, 9, mtime=0), etag)
