"""The sandbox's pages show both legs side by side, and never run what strangers sent."""

import json
import time
from urllib.parse import quote

import pytest

from dispatch.tiktok.sandbox import Sandbox, markup
from dispatch.tiktok.sandbox.layout import EXPLAINED
from dispatch.tiktok.sandbox.modes import NAMES
from tests.dispatch.sandbox_client import PIXEL, TOKEN, call, make_body, make_event, track

MONEY = {"value": 49, "currency": "EUR"}
HOSTILE = "\"'><script>alert(1)</script>{name}%s"


class Clock:
    def __init__(self):
        self.offset = 0

    def __call__(self):
        return time.time() + self.offset


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def shared_sandbox(clock):
    with Sandbox.running(clock=clock) as sandbox:
        sandbox.register_token(PIXEL, TOKEN)
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox, clock):
    clock.offset = 0
    shared_sandbox.reset()
    return shared_sandbox


def show(sandbox, path="/"):
    status, headers, body = call(sandbox, "GET", path)
    assert status == 200
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    return body.decode()


def from_server(sandbox, event_id="e-1", properties=MONEY, **fields):
    assert track(sandbox, make_body(make_event(event_id, properties=properties, **fields)))["code"] == 0


def from_browser(sandbox, event_id="e-1", properties=MONEY, event="Purchase", url="https://shop.example/?q=1"):
    report = {"event": event, "event_id": event_id, "pixel_code": PIXEL, "page": {"url": url}}
    body = json.dumps(report | {"properties": properties})
    assert call(sandbox, "POST", "/sandbox/browser/track", body, User_Agent=HOSTILE)[0] == 204


def test_says_what_to_do_when_nothing_has_come(sandbox):
    assert "No event yet" in show(sandbox)
    assert "POST /open_api/v1.3/event/track/" in show(sandbox)


def test_shows_both_legs_of_an_event(sandbox):
    from_browser(sandbox)
    from_server(sandbox, user={"ip": "8.8.8.8", "ttclid": "E.C.P.abc"})

    page = show(sandbox)

    assert ">merged</span>" in page
    assert page.count("49 EUR") == 2
    assert "8.8.8.8" in page
    assert "ttclid ✓" in page
    assert "phone ·" in page
    assert "do not contradict" in page


@pytest.mark.parametrize(("send", "verdict"), [(from_server, "server only"), (from_browser, "browser only")])
def test_shows_a_leg_that_came_alone(sandbox, send, verdict):
    send(sandbox)

    assert f">{verdict}</span>" in show(sandbox)


def test_shows_that_the_values_differ(sandbox):
    from_browser(sandbox, properties={"value": 59, "currency": "USD"})
    from_server(sandbox)

    assert "value differs: browser 59, server 49" in show(sandbox)
    assert "currency differs: browser USD, server EUR" in show(sandbox)


def test_shows_that_the_things_differ(sandbox):
    from_browser(sandbox, properties={"contents": [{"content_id": "7"}], "order_id": "A-1"})
    from_server(sandbox, properties={"contents": [{"content_id": "8"}], "order_id": "A-1"})

    page = show(sandbox)

    assert "contents differs: browser [{&quot;content_id&quot;: &quot;7&quot;}], server" in page
    assert "order_id differs" not in page


def test_shows_that_one_leg_limits_data_use_only(sandbox):
    from_browser(sandbox)
    from_server(sandbox, limited_data_use=True, user={"ip": "8.8.8.8"})

    assert "limited_data_use differs: browser false, server true" in show(sandbox)


def test_shows_that_the_names_differ(sandbox):
    from_browser(sandbox, event="CompletePayment")
    from_server(sandbox)

    assert "the other leg calls it CompletePayment" in show(sandbox)
    assert "the other leg calls it Purchase" in show(sandbox)


def test_shows_a_value_that_came_too_late(sandbox, clock):
    from_browser(sandbox, properties={})
    clock.offset = 600
    from_server(sandbox)

    assert ">deduplicated</span>" in show(sandbox)
    assert "value 49 came too late" in show(sandbox)


def test_counts_repeats_and_warnings(sandbox):
    from_server(sandbox, user={"ip": "127.0.0.1"})
    from_server(sandbox, user={"ip": "127.0.0.1"})

    assert "2 copies" in show(sandbox)
    assert show(sandbox).count("not a public address") == 1


def test_marks_test_events(sandbox):
    track(sandbox, make_body(test_event_code="TEST123"))

    assert ">test</span>" in show(sandbox, "/?leg=test")
    assert "test_event_code TEST123" in show(sandbox, "/events/e-1")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"e-server", "e-browser", "e-both"}),
        ("?q=E-SER", {"e-server"}),
        ("?q=purch", {"e-server", "e-browser", "e-both"}),
        ("?q=%25", set()),
        ("?leg=server", {"e-server"}),
        ("?leg=browser", {"e-browser"}),
        ("?leg=both", {"e-both"}),
        ("?leg=nonsense", {"e-server", "e-browser", "e-both"}),
        (f"?pixel_code={PIXEL}", {"e-server", "e-browser", "e-both"}),
        ("?pixel_code=NOBODY", set()),
    ],
)
def test_filters_events(sandbox, query, expected):
    from_server(sandbox, "e-server")
    from_browser(sandbox, "e-browser")
    from_server(sandbox, "e-both")
    from_browser(sandbox, "e-both")

    page = show(sandbox, f"/{query}")

    assert {name for name in ("e-server", "e-browser", "e-both") if f"/events/{name}" in page} == expected
    assert ("Nothing fits" in page) == (not expected)


def test_shows_page_views_only_if_asked(sandbox):
    from_browser(sandbox, event="Pageview")

    assert "/events/e-1" not in show(sandbox)
    assert "/events/e-1" in show(sandbox, "/?pageviews=1")


def test_shows_all_copies_of_one_event(sandbox):
    from_browser(sandbox, properties={})
    from_server(sandbox)
    from_server(sandbox)

    page = show(sandbox, "/events/e-1")

    assert page.count("<article>") == 3
    kept = page[page.index("in the end") :]
    assert "&quot;value&quot;: 49" in kept
    assert "https://shop.example/?q=1" in kept


def test_shows_requests_with_their_codes(sandbox):
    from_server(sandbox)
    track(sandbox, token="")
    sandbox.set_mode("http_500", count=1)
    call(sandbox, "POST", "/open_api/v1.3/event/track/", make_body())

    page = show(sandbox, "/requests")

    assert ">0</span>" in page
    assert ">40104</span>" in page
    assert "HTTP: 502" in page
    assert "…ixel" in page
    assert TOKEN not in page


def test_shows_and_explains_the_failure_mode(sandbox):
    assert "behaving" in show(sandbox)

    sandbox.set_mode("code", code=40100, count=3, pixel_code=HOSTILE)

    page = show(sandbox)
    assert "answer with a code 40100" in page
    assert "the next 3 requests" in page
    assert "<script>alert" not in page
    assert set(EXPLAINED) == set(NAMES)


def test_offers_to_revoke_a_token_and_to_accept_it_again(sandbox):
    assert "Revoke this token" in show(sandbox, "/tokens")

    form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": sandbox.url}
    call(sandbox, "POST", "/sandbox/api/tokens", "id=1&state=revoked", **form)
    assert "Accept again" in show(sandbox, "/tokens")
    assert track(sandbox)["code"] == 40105

    call(sandbox, "POST", "/sandbox/api/tokens", "id=1&state=active", **form)
    assert track(sandbox)["code"] == 0


@pytest.mark.parametrize("path", ["/?pageviews=1", f"/events/{quote(HOSTILE, safe='')}", "/requests"])
def test_escapes_what_strangers_send(sandbox, path):
    from_server(sandbox, HOSTILE, {"order_id": HOSTILE}, user={"ttclid": HOSTILE, "user_agent": HOSTILE})
    from_browser(sandbox, HOSTILE, {"value": HOSTILE, "currency": HOSTILE, HOSTILE: HOSTILE}, HOSTILE, HOSTILE)
    track(sandbox, make_body(make_event(HOSTILE, event=HOSTILE)))
    call(sandbox, "POST", f"/open_api/{HOSTILE.replace(' ', '')}", make_body(event_source_id=HOSTILE))

    page = show(sandbox, path)

    assert "&lt;script&gt;alert" in page
    assert "<script>alert" not in page


def test_escapes_the_search_words(sandbox):
    hostile = quote('"><script>alert(1)</script>')

    assert "<script>alert" not in show(sandbox, f"/?q={hostile}&leg={hostile}&pixel_code={hostile}")


@pytest.mark.parametrize("properties", [5, None, [], {"value": None}, {"value": [1]}, "text"])
def test_survives_odd_parameters_of_a_page(sandbox, properties):
    from_browser(sandbox, properties=properties)
    from_server(sandbox)

    assert "/events/e-1" in show(sandbox)
    assert "<article>" in show(sandbox, "/events/e-1")


@pytest.mark.parametrize("path", ["/nothing", "/events/nobody", "/events/%ff"])
def test_knows_what_it_does_not_have(sandbox, path):
    assert call(sandbox, "GET", path)[0] == 404


def test_pages_take_no_posts(sandbox):
    assert call(sandbox, "POST", "/", b"")[0] == 405


def test_style_and_script_come_from_here(sandbox):
    assert b"color-scheme" in call(sandbox, "GET", "/sandbox/pages.css")[2]
    assert b"refresh" in call(sandbox, "GET", "/sandbox/pages.js")[2]


def test_fill_escapes_all_but_html():
    assert markup.fill("{a}{b}", a="<", b=markup.Html("<")) == "&lt;<"
