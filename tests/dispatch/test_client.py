import json
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.tiktok import client
from dispatch.tiktok.client import read_reply, scrub
from dispatch.tiktok.codes import CODES, Verdict
from dispatch.tiktok.contract import make_body
from dispatch.tiktok.sandbox import Sandbox
from tests.factories import TOKEN


def post():
    event = {
        "event": "Purchase",
        "event_time": int(time.time()),
        "event_id": "e-1",
        "user": {"ttclid": "E.C.P.1"},
        "page": {"url": "https://landing.example/"},
    }
    return client.send(make_body("CPIXEL0000000000001", "", [event]), TOKEN)


def test_an_accepted_request_brings_tiktoks_request_id(sandbox: Sandbox):
    reply = post()

    assert reply.verdict == Verdict.ACCEPTED
    assert reply.code == 0
    assert reply.request_id
    assert [event["event_id"] for event in sandbox.events()] == ["e-1"]


@pytest.mark.parametrize(
    ("mode", "verdict"),
    [
        ({"mode": "http_500"}, Verdict.TRANSIENT),
        ({"mode": "garbage"}, Verdict.UNKNOWN),
        ({"mode": "truncated"}, Verdict.UNKNOWN),
        ({"mode": "weird"}, Verdict.UNKNOWN),
        ({"mode": "reset"}, Verdict.UNKNOWN),
        ({"mode": "accept_then_reset"}, Verdict.UNKNOWN),
        ({"mode": "huge"}, Verdict.UNKNOWN),
        ({"mode": "redirect"}, Verdict.TRANSIENT),
        ({"mode": "http_429", "seconds": 7}, Verdict.THROTTLED),
        ({"mode": "code", "code": 40100}, Verdict.THROTTLED),
        ({"mode": "code", "code": 40105}, Verdict.AUTH),
        ({"mode": "code", "code": 40002}, Verdict.INVALID),
        ({"mode": "code", "code": 50000}, Verdict.TRANSIENT),
        ({"mode": "code", "code": 20001}, Verdict.ACCEPTED),
        ({"mode": "code", "code": 98765}, Verdict.TRANSIENT),
    ],
)
def test_every_kind_of_trouble_has_its_verdict(sandbox: Sandbox, mode, verdict):
    sandbox.set_mode(**mode)

    assert post().verdict == verdict


def test_a_slow_name_server_does_not_stretch_the_deadline(sandbox: Sandbox, monkeypatch):
    sandbox.set_mode("drip")
    client.session.cache_clear()
    look_up = socket.getaddrinfo

    def slowly(*args, **options):
        time.sleep(1.2)
        return look_up(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    reply = post()

    assert reply.verdict == Verdict.UNKNOWN
    assert reply.duration_ms < 15_000


@pytest.mark.parametrize("mode", ["timeout", "drip", "drip_headers"])
def test_the_deadline_holds_however_slowly_the_answer_comes(sandbox: Sandbox, mode):
    sandbox.set_mode(mode)

    reply = post()

    assert reply.verdict == Verdict.UNKNOWN
    assert 900 <= reply.duration_ms < 15_000  # of the half minute, or more, that the answer would take


def test_an_endless_answer_is_cut_at_its_cap(sandbox: Sandbox):
    sandbox.set_mode("huge")

    assert "more than 64 kB" in post().message


def test_retry_after_is_read(sandbox: Sandbox):
    sandbox.set_mode("http_429", seconds=7)

    assert post().retry_after == 7


def test_nobody_listening_is_certain_not_to_have_taken_the_event(settings):
    settings.TIKTOK_API_URL = "http://127.0.0.1:9"

    assert post().verdict == Verdict.TRANSIENT


def test_a_name_that_does_not_resolve_is_transient(settings):
    settings.TIKTOK_API_URL = "http://tiktok.invalid"

    assert post().verdict == Verdict.TRANSIENT


@pytest.mark.parametrize(
    "answer",
    [
        b'{"code": 40105, "code": 0}',
        b'{"code": NaN}',
        b'{"code": "0"}',
        b'{"code": true}',
        b"[0]",
        b"0",
        b"",
        b"{" * 9999,
    ],
)
def test_an_ambiguous_answer_is_never_success(answer):
    assert read_reply(200, answer).verdict == Verdict.UNKNOWN


def test_success_in_the_body_of_a_server_error_is_not_believed():
    assert read_reply(500, b'{"code": 0}').verdict == Verdict.UNKNOWN


ANSWERS = st.dictionaries(
    st.sampled_from(["code", "message", "request_id", "data"]),
    st.none() | st.booleans() | st.integers() | st.text() | st.floats() | st.lists(st.integers()),
).map(lambda answer: json.dumps(answer).encode())


@given(st.binary(max_size=300) | ANSWERS, st.sampled_from([101, 200, 302, 404, 429, 500]))
def test_whatever_comes_back_can_be_read_and_kept(answer, status):
    reply = read_reply(status, answer)

    kept = scrub(reply.message, TOKEN) + reply.request_id
    assert "\x00" not in kept.encode("utf-8").decode()
    assert reply.code is None or abs(reply.code) < 2**31
    assert reply.verdict != Verdict.ACCEPTED or (status == 200 and reply.code in (0, 20001, 40050))


def test_the_table_has_the_codes_that_senders_meet():
    assert {0, 20001, 40001, 40002, 40050, 40100, 40105, 50000, 50002, 51010, 60001} <= CODES.keys()


def test_a_message_is_scrubbed_of_what_it_echoes():
    digest = "848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f"

    text = scrub(f"bad email alice@example.com, phone +1 213 373 4253, {digest}, token {TOKEN}", TOKEN)

    for secret in ("alice", "213", digest, TOKEN):
        assert secret not in text


def test_the_pixels_own_code_stays_readable_and_nobody_elses_secret_does():
    own, other = "C8PIXF1234567890123X", "C9ZZZZ9876543210987Y"
    words = (
        f"No permission for event source {own} ({own}). Phone=+4930777, a@b.example, +49 30 777 88 99, {other}, {TOKEN}"
    )

    text = scrub(words, TOKEN, own)

    assert text.startswith(f"No permission for event source {own} ({own}). Phone=[hidden]")
    assert [secret for secret in ("777", "88", "a@b", "98765", TOKEN) if secret in text] == []


def test_what_only_contains_the_pixels_code_is_hidden():
    digest = "12345678" + "a" * 56

    text = scrub(f"{digest} +4912345678 12", TOKEN, "12345678")

    assert text == "[hidden] [hidden]"
