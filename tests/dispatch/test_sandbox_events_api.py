"""The sandbox answers the Events API's URL in TikTok's own form, and remembers every call."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest

from dispatch.tiktok.sandbox import Sandbox
from tests.dispatch.sandbox_client import PIXEL, TOKEN, TRACK, call, make_body, make_event, track


@pytest.fixture
def sandbox():
    with Sandbox.running() as sandbox:
        sandbox.register_token(PIXEL, TOKEN)
        yield sandbox


def test_answers_success_in_tiktoks_envelope(sandbox):
    answer = track(sandbox)

    assert answer.pop("request_id")
    assert answer == {"code": 0, "message": "OK", "data": {}}


def test_remembers_the_event_as_it_came(sandbox):
    event = make_event(properties={"value": 5, "currency": "USD"})

    track(sandbox, make_body(event))

    [copy] = sandbox.events()
    assert copy["payload"] == event
    assert (copy["leg"], copy["verdict"], copy["event_id"]) == ("server", "counted", "e-1")


def test_takes_none_of_a_batch_with_one_bad_event(sandbox):
    bad = make_event("e-2", properties={"value": "5", "currency": "USD"})

    answer = track(sandbox, make_body(make_event(), bad))

    assert answer["code"] == 40002
    assert answer["message"].startswith("Batch.1.properties.value")
    assert sandbox.events() == []


def test_takes_a_thousand_events(sandbox):
    answer = track(sandbox, make_body(*(make_event(f"e-{number}") for number in range(1000))))

    assert answer["code"] == 0
    assert sandbox.summary()["events"] == 1000


def test_marks_test_events(sandbox):
    track(sandbox, make_body(test_event_code="TEST123"))

    [copy] = sandbox.events()
    assert (copy["test"], copy["verdict"]) == ("TEST123", "test")


def test_refuses_another_content_type(sandbox):
    _, _, answer = call(sandbox, "POST", TRACK, make_body(), Access_Token=TOKEN, Content_Type="text/plain")

    assert json.loads(answer)["code"] == 40002


@pytest.mark.parametrize("path", ["/open_api/v1.3/event/track", "/open_api/v1.3/pixel/track/", "/open_api/"])
def test_knows_one_route(sandbox, path):
    status, _, answer = call(sandbox, "POST", path, make_body(), Access_Token=TOKEN)

    assert (status, json.loads(answer)["code"]) == (200, 40400)


def test_tells_a_get_that_it_should_post(sandbox):
    status, _, answer = call(sandbox, "GET", TRACK)

    assert (status, json.loads(answer)["code"]) == (405, 40007)


def test_remembers_every_call_without_its_token(sandbox):
    track(sandbox)
    track(sandbox, token="wrong-token-of-somebody")

    refused, accepted = sandbox.requests()
    assert (accepted["status"], accepted["code"], accepted["events"]) == (200, 0, 1)
    assert (refused["code"], refused["token_last4"], refused["pixel_code"]) == (40105, "body", PIXEL)
    assert TOKEN not in json.dumps(sandbox.requests())


def test_serves_many_requests_over_one_connection(sandbox):
    address = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    headers = {"Access-Token": TOKEN, "Content-Type": "application/json"}

    for number in range(5):
        connection.request("POST", TRACK, json.dumps(make_body(make_event(f"e-{number}"))), headers)
        assert json.loads(connection.getresponse().read())["code"] == 0

    connection.close()
    assert sandbox.summary()["events"] == 5


@pytest.mark.parametrize("headers", [{"Content_Length": "x"}, {"Transfer_Encoding": "chunked"}])
def test_does_not_read_bodies_of_unknown_length(sandbox, headers):
    status, _, _ = call(sandbox, "POST", TRACK, b"", **headers)

    assert status == 400


def test_a_request_that_breaks_off_has_not_arrived(sandbox):
    address = urlsplit(sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as client:
        client.sendall(f"POST {TRACK} HTTP/1.1\r\nContent-Length: 100\r\n\r\n{{".encode())
        client.shutdown(socket.SHUT_WR)
        answer = client.makefile("rb").readline()

    assert b"400" in answer
    assert sandbox.requests() == []


def test_keeps_what_arrived_over_a_restart(tmp_path):
    file = str(tmp_path / "sandbox.sqlite3")
    with Sandbox.running(state=file) as first:
        first.register_token(PIXEL, TOKEN)
        track(first)

    with Sandbox.running(state=file) as second:
        assert len(second.events()) == 1
        assert track(second)["code"] == 0
        assert second.summary()["verdicts"] == {"counted": 1, "deduplicated": 1}


def test_never_writes_a_token_in_clear(tmp_path):
    file = tmp_path / "sandbox.sqlite3"
    with Sandbox.running(state=str(file)) as sandbox:
        sandbox.register_token(PIXEL, TOKEN)
        track(sandbox)

    for written in tmp_path.iterdir():
        assert TOKEN.encode() not in written.read_bytes()


def test_uses_the_clock_that_it_is_given():
    with Sandbox.running(clock=lambda: 1_000_000_000) as sandbox:
        sandbox.register_token(PIXEL, TOKEN)

        assert "future" in track(sandbox)["message"]
        assert track(sandbox, make_body(make_event(event_time=1_000_000_000)))["code"] == 0
