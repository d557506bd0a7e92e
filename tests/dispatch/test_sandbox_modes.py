"""The sandbox fails on demand, the way TikTok and networks fail."""

import http.client
import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from dispatch.tiktok.sandbox import Sandbox
from dispatch.tiktok.sandbox.failures import PLAYS
from dispatch.tiktok.sandbox.modes import NAMES
from dispatch.tiktok.sandbox.weird import WEIRD
from tests.dispatch.sandbox_client import (
    PIXEL,
    TOKEN,
    TRACK,
    call,
    get_json,
    make_body,
    make_event,
    post_json,
    track,
)

HEADERS = {"Access_Token": TOKEN, "Content_Type": "application/json"}


@pytest.fixture
def sandbox():
    with Sandbox.running() as sandbox:
        sandbox.register_token(PIXEL, TOKEN)
        yield sandbox


def raw(sandbox, timeout=5):
    return call(sandbox, "POST", TRACK, make_body(), timeout, **HEADERS)


def test_every_mode_has_a_play():
    assert set(NAMES) == set(PLAYS)


@pytest.mark.parametrize("code", [50000, 40100, 40105, 51010, 40002, 99999])
def test_answers_any_code_and_takes_nothing(sandbox, code):
    sandbox.set_mode("code", code=code)

    assert track(sandbox)["code"] == code
    assert sandbox.events() == []


def test_takes_the_events_of_a_partial_success(sandbox):
    sandbox.set_mode("code", code=20001)

    assert track(sandbox)["code"] == 20001
    assert len(sandbox.events()) == 1


def test_fails_as_often_as_told(sandbox):
    sandbox.set_mode("code", code=50000, count=2)

    assert [track(sandbox)["code"] for _ in range(3)] == [50000, 50000, 0]


def test_fails_for_one_pixel_only(sandbox):
    sandbox.register_token("PIXELCODE2", TOKEN)
    sandbox.set_mode("code", code=50000, pixel_code="PIXELCODE2")

    assert track(sandbox)["code"] == 0
    assert track(sandbox, make_body(event_source_id="PIXELCODE2"))["code"] == 50000


def test_ok_ends_every_mode(sandbox):
    sandbox.set_mode("code", code=50000)
    sandbox.set_mode("code", code=50000, pixel_code=PIXEL)

    sandbox.set_mode("ok")

    assert track(sandbox)["code"] == 0


def test_one_pixel_can_be_well_while_all_others_fail(sandbox):
    sandbox.set_mode("code", code=50000)
    sandbox.set_mode("ok", pixel_code=PIXEL)

    assert track(sandbox)["code"] == 0


def test_answers_like_a_gateway(sandbox):
    sandbox.set_mode("http_500")
    status, headers, body = raw(sandbox)

    assert (status, headers["Content-Type"]) == (502, "text/html")
    assert b"Bad Gateway" in body


def test_asks_to_come_back_later(sandbox):
    sandbox.set_mode("http_429", seconds=7)

    status, headers, _ = raw(sandbox)

    assert (status, headers["Retry-After"]) == (429, "7")


def test_sends_elsewhere(sandbox):
    sandbox.set_mode("redirect")

    status, headers, _ = raw(sandbox)

    assert status == 302
    assert headers["Location"]


def test_answers_garbage(sandbox):
    sandbox.set_mode("garbage")

    assert raw(sandbox)[2].startswith(b"<!doctype")


@pytest.mark.parametrize("variant", WEIRD)
def test_answers_weird_json(sandbox, variant):
    sandbox.set_mode("weird", variant=variant)

    assert raw(sandbox)[2] == WEIRD[variant]


def test_weird_answers_take_turns(sandbox):
    sandbox.set_mode("weird")

    assert len({raw(sandbox)[2] for _ in WEIRD}) == len(WEIRD)


def test_cuts_the_body_short(sandbox):
    sandbox.set_mode("truncated")

    with pytest.raises(http.client.IncompleteRead):
        raw(sandbox)


def test_never_stops_talking(sandbox):
    sandbox.set_mode("huge")
    address = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
    connection.request("POST", TRACK, json.dumps(make_body()))

    assert len(connection.getresponse().read(5_000_000)) == 5_000_000
    connection.close()


def test_says_nothing_for_a_while(sandbox):
    sandbox.set_mode("timeout", seconds=30)

    with pytest.raises(TimeoutError):
        raw(sandbox, timeout=0.2)
    assert sandbox.events() == []
    assert sandbox.requests()[0]["status"] is None


def test_ends_at_once_though_a_client_waits():
    started = time.monotonic()
    with Sandbox.running() as sandbox:
        sandbox.set_mode("timeout", seconds=60)
        with pytest.raises(TimeoutError):
            raw(sandbox, timeout=0.2)

    assert time.monotonic() - started < 60


def test_hangs_up(sandbox):
    sandbox.set_mode("reset")

    with pytest.raises(ConnectionError):
        raw(sandbox)
    assert sandbox.events() == []


def test_takes_the_events_and_hangs_up(sandbox):
    sandbox.set_mode("accept_then_reset", count=1)

    with pytest.raises(ConnectionError):
        raw(sandbox)

    assert [copy["verdict"] for copy in sandbox.events()] == ["counted"]
    assert track(sandbox)["code"] == 0
    assert sandbox.summary()["verdicts"] == {"counted": 1, "deduplicated": 1}


def test_answers_late(sandbox):
    sandbox.set_mode("delay", seconds=0.3)
    started = time.monotonic()

    assert track(sandbox)["code"] == 0
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("mode", ["drip", "drip_headers"])
def test_answers_byte_by_byte(sandbox, mode):
    sandbox.set_mode(mode, seconds=0.001)

    assert json.loads(raw(sandbox)[2])["code"] == 0


def test_drips_slower_than_any_read_timeout_notices(sandbox):
    sandbox.set_mode("drip_headers", seconds=0.1)
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=0.5) as connection:
        connection.sendall(f"POST {TRACK} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())

        assert [connection.recv(10) for _ in range(4)] == [b"H", b"T", b"T", b"P"]


def test_refuses_batches_with_a_certain_event(sandbox):
    sandbox.set_mode("reject_event_id", event_id="bad")

    answer = track(sandbox, make_body(make_event("good"), make_event("bad")))

    assert answer["code"] == 40002
    assert answer["message"].startswith("Batch.1.event_id")
    assert track(sandbox, make_body(make_event("good")))["code"] == 0


def test_is_set_and_shown_over_http(sandbox):
    post_json(sandbox, "/sandbox/api/mode", {"mode": "code", "code": 40100, "count": 3, "pixel_code": PIXEL})

    [mode] = get_json(sandbox, "/sandbox/api/mode")["modes"]
    assert (mode["mode"], mode["code"], mode["count"], mode["pixel_code"]) == ("code", 40100, 3, PIXEL)
    assert track(sandbox)["code"] == 40100


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "explode"},
        {"mode": "ok", "extra": 1},
        {"mode": "delay", "seconds": "long"},
        {"mode": "delay", "seconds": -1},
        {"mode": "delay", "seconds": "nan"},
        {"mode": "code", "code": []},
        {"mode": "code", "count": 0},
        {"mode": "weird", "variant": "?"},
        {"mode": "reject_event_id"},
        {"mode": "http_500", "status": 99},
    ],
)
def test_explains_a_mode_that_makes_no_sense(sandbox, body):
    status, answer = post_json(sandbox, "/sandbox/api/mode", body)

    assert status == 400
    assert answer["error"]


def test_leaves_everything_but_the_events_api_alone(sandbox):
    sandbox.set_mode("http_500")

    assert get_json(sandbox, "/healthz") == {"status": "ok"}
