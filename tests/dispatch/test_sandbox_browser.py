"""The sandbox takes the Pixel's reports from pages of any origin."""

import json

import pytest

from dispatch.tiktok.sandbox import Sandbox
from tests.dispatch.sandbox_client import PIXEL, TOKEN, call, make_body, make_event, track

URL = "/sandbox/browser/track"


@pytest.fixture(scope="module")
def shared_sandbox():
    with Sandbox.running() as sandbox:
        sandbox.register_token(PIXEL, TOKEN)
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox):
    shared_sandbox.reset()
    return shared_sandbox


def make_report(**fields):
    report = {"event": "Purchase", "event_id": "e-1", "pixel_code": PIXEL, "page": {"url": "https://shop.example/"}}
    return {name: value for name, value in (report | fields).items() if value is not ...}


def report(sandbox, data):
    return call(sandbox, "POST", URL, data, Content_Type="text/plain", User_Agent="Browser/1", Origin="null")


def test_takes_a_report(sandbox):
    status, headers, body = report(sandbox, make_report(properties={"value": 5, "currency": "EUR"}))

    assert (status, body) == (204, b"")
    assert headers["Access-Control-Allow-Origin"] == "*"
    [copy] = sandbox.events()
    assert (copy["leg"], copy["verdict"], copy["warnings"]) == ("browser", "counted", [])
    assert copy["payload"]["properties"] == {"value": 5, "currency": "EUR"}


def test_adds_what_tiktok_sees_of_the_visitor(sandbox):
    report(sandbox, make_report(user={"ttclid": "E.C.P.abc"}))

    [copy] = sandbox.events()
    assert copy["payload"]["user"] == {"ttclid": "E.C.P.abc", "ip": "127.0.0.1", "user_agent": "Browser/1"}


def test_merges_with_the_server_leg(sandbox):
    report(sandbox, make_report())
    track(sandbox, make_body(make_event("e-1")))

    assert [copy["verdict"] for copy in sandbox.events()] == ["counted", "merged"]


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        ({"event_id": ...}, "event_id: is missing"),
        ({"event": "CompletePayment"}, "now called Purchase"),
        ({"event": "Spin"}, "custom event"),
        ({"properties": {"value": "5", "currency": "EUR"}}, "value: is not a number"),
        ({"properties": {"value": 5}}, "currency: is missing"),
        ({"properties": {"value": 5, "currency": ["EUR"]}}, "currency: is missing"),
        ({"properties": {"contents": [{"content_id": 7}]}}, "contents.0.content_id: must be a string"),
        ({"properties": {"content_type": "shoe"}}, "content_type: must be one of"),
        ({"properties": {"num_items": "2"}}, "num_items: must be an integer"),
    ],
)
def test_warns_of_what_the_page_does_wrong(sandbox, fields, warning):
    report(sandbox, make_report(**fields))

    [[found]] = [copy["warnings"] for copy in sandbox.events()]
    assert warning in found


def test_takes_what_an_event_is_about_and_parameters_of_the_pages_own(sandbox):
    contents = [{"content_id": "7", "content_name": "Shoe", "price": 5, "quantity": 1}]
    report(
        sandbox, make_report(properties={"contents": contents, "order_id": "A-1", "colour": 7}, limited_data_use=True)
    )

    [copy] = sandbox.events()
    assert (copy["payload"]["limited_data_use"], copy["warnings"]) == (True, [])


def test_takes_page_views_without_a_warning(sandbox):
    report(sandbox, make_report(event="Pageview", event_id=...))

    [copy] = sandbox.events()
    assert (copy["event_id"], copy["warnings"]) == ("", [])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"5",
        b"{",
        make_report(page=...),
        make_report(pixel_code=5),
        make_report(event=""),
        make_report(user={"email": "alice@example.com"}),
        make_report(user={"phone_number": "+12133734253"}),
        make_report(extra=1),
        make_report(properties={"long": "x" * 70_000}),
    ],
)
def test_refuses_what_the_pixel_would_never_send(sandbox, data):
    status, headers, body = report(sandbox, data)

    assert status == 400
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert json.loads(body)["error"]
    assert sandbox.events() == []


def test_answers_a_preflight(sandbox):
    status, headers, _ = call(sandbox, "OPTIONS", URL, Origin="https://shop.example")

    assert status == 204
    assert headers["Access-Control-Allow-Methods"] == "POST"


def test_serves_the_script_under_any_host_name(sandbox):
    status, headers, body = call(sandbox, "GET", f"/i18n/pixel/events.js?sdkid={PIXEL}&lib=ttq", Host="x.example")

    assert status == 200
    assert headers["Content-Type"].startswith("text/javascript")
    assert b"holdConsent" in body
