"""Tracking links per second, each with its Click stored, against a minimal Django view that does one prepared INSERT
of the same row and answers 302.

Both under granian with 2 workers of 4 threads, at the same time up, asked in turns by the same client. Arguments:
requests of each round, rounds.
"""

import secrets

import orjson
from django.db import connection
from django.utils import timezone

from conversions.models import Click
from offers.models import Offer
from tests.benchmarks.gateway import in_turns, report, row_of, running
from tests.factories import make_offer

BROWSER = (
    "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/129.0.6668.{} Mobile Safari/537.36 trill_360{} JsSdk/1.0 NetType/WIFI Channel/googleplay"
)


def main(count: int = 10_000, rounds: int = 5) -> None:
    if connection.vendor != "postgresql":
        return print("SQLite has one web process: nothing to compare")
    offer = make_offer()
    click = Click(offer=offer, created_at=timezone.now(), referrer="https://www.tiktok.com/")
    own = {"BARE_ROW": orjson.dumps(row_of(click)).decode(), "BARE_TARGET": offer.landing_url}
    with running("trackingsite.wsgi", own) as ours, running("tests.benchmarks.bare_redirect", own) as bare:
        report("redirect", in_turns(Click, lambda number: calls(offer, number), b"302", bare, ours, count, rounds))


def calls(offer: Offer, count: int) -> list[bytes]:
    """Clicks on an ad, each by a visitor of their own, as TikTok's browser sends them."""
    return [
        f"GET /c/{offer.slug}/?ttclid=E.C.P.{secrets.token_urlsafe(150)}&utm_source=tiktok&utm_medium=paid"
        f"&utm_campaign=spring%20sale&utm_id=17{number:014} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"User-Agent: {BROWSER.format(number % 90, number % 400)}\r\nReferer: https://www.tiktok.com/\r\n"
        "Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-GB\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        for number in range(count)
    ]
