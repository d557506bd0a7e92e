"""Scripts can ask and steer the sandbox; other web sites cannot."""

import json

import pytest

from dispatch.tiktok.sandbox import Sandbox
from tests.dispatch.sandbox_client import (
    PIXEL,
    TOKEN,
    call,
    get_json,
    make_body,
    make_event,
    post_json,
    track,
)

MODE, EVENTS = "/sandbox/api/mode", "/sandbox/api/events"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def sandbox():
    with Sandbox.running() as sandbox:
        sandbox.register_token(PIXEL, TOKEN)
        yield sandbox


def event_ids(sandbox, query):
    return [copy["event_id"] for copy in get_json(sandbox, f"{EVENTS}?{query}")["events"]]


def test_lists_events_oldest_first_and_filtered(sandbox):
    track(sandbox, make_body(make_event("e-1"), make_event("e-2", event="Lead"), make_event("e-3")))

    assert event_ids(sandbox, "") == ["e-1", "e-2", "e-3"]
    assert event_ids(sandbox, "event=Lead") == ["e-2"]
    assert event_ids(sandbox, "event_id=e-3") == ["e-3"]
    assert event_ids(sandbox, f"leg=server&pixel_code={PIXEL}") == ["e-1", "e-2", "e-3"]
    assert event_ids(sandbox, "leg=browser") == []
    assert event_ids(sandbox, "limit=1") == ["e-3"]


def test_shows_what_scripts_need_of_an_event(sandbox):
    track(sandbox)

    [copy] = get_json(sandbox, EVENTS)["events"]
    assert copy.keys() >= {
        "leg",
        "received_at",
        "verdict",
        "event",
        "event_id",
        "pixel_code",
        "payload",
        "test",
    }


def test_lists_requests_newest_first(sandbox):
    track(sandbox)
    track(sandbox, token="")

    codes = [request["code"] for request in get_json(sandbox, "/sandbox/api/requests")["requests"]]
    assert codes == [40104, 0]


def test_sums_up(sandbox):
    track(sandbox)
    track(sandbox, token="")

    summary = get_json(sandbox, "/sandbox/api/summary")
    assert summary["codes"] == {"0": 1, "40104": 1}
    assert (summary["events"], summary["requests"]) == (1, 2)


def test_forgets_events_but_not_tokens(sandbox):
    track(sandbox)

    post_json(sandbox, "/sandbox/api/reset", {})

    assert sandbox.summary()["requests"] == 0
    assert track(sandbox)["code"] == 0


def test_python_reset_also_ends_the_failure_mode(sandbox):
    sandbox.set_mode("http_500")

    sandbox.reset()

    assert track(sandbox)["code"] == 0


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"mode":"ok","mode":"ok"}'])
def test_explains_a_body_that_it_cannot_read(sandbox, body):
    status, _, answer = call(sandbox, "POST", MODE, body, Content_Type="application/json")

    assert status == 400
    assert json.loads(answer)["error"]


def test_knows_no_other_calls(sandbox):
    assert call(sandbox, "GET", "/sandbox/api/nothing")[0] == 404
    assert call(sandbox, "GET", "/sandbox/api/reset")[0] == 404


def test_takes_a_form_of_its_own_page(sandbox):
    origin = {"Origin": sandbox.url, "Referer": f"{sandbox.url}/requests?q=1"}

    status, headers, _ = call(sandbox, "POST", MODE, "mode=code&code=40100", Content_Type=FORM, **origin)

    assert (status, headers["Location"]) == (303, "/requests?q=1")
    assert track(sandbox)["code"] == 40100


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
@pytest.mark.parametrize("kind", [FORM, "text/plain", "multipart/form-data"])
def test_takes_no_form_of_another_site(sandbox, origin, kind):
    status, _, _ = call(sandbox, "POST", MODE, "mode=http_500", Content_Type=kind, **origin)

    assert status == 403
    assert track(sandbox)["code"] == 0


@pytest.mark.parametrize("path", [MODE, EVENTS, "/", "/requests"])
def test_shows_nothing_under_a_name_that_it_does_not_know(sandbox, path):
    assert call(sandbox, "GET", path, Host="evil.example:8081")[0] == 403


@pytest.mark.parametrize("host", ["localhost:8081", "127.0.0.1", "[::1]:8081", "app.localhost", "sandbox:8081"])
def test_opens_under_addresses_and_names_that_it_knows(host):
    with Sandbox.running(allowed_hosts=["sandbox"]) as sandbox:
        assert call(sandbox, "GET", EVENTS, Host=host)[0] == 200


def test_answers_preflights_of_the_pixel_only(sandbox):
    assert "Access-Control-Allow-Origin" not in call(sandbox, "OPTIONS", MODE)[1]
    assert call(sandbox, "OPTIONS", "/sandbox/browser/track")[1]["Access-Control-Allow-Origin"] == "*"
