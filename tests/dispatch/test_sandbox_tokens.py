"""The sandbox judges access tokens as TikTok does, and keeps no token in clear."""

import pytest

from dispatch.tiktok.sandbox import Sandbox
from tests.dispatch.sandbox_client import PIXEL, TOKEN, call, get_json, make_body, post_json, track

TOKENS = "/sandbox/api/tokens"


@pytest.fixture
def sandbox():
    with Sandbox.running() as sandbox:
        sandbox.register_token(PIXEL, TOKEN)
        yield sandbox


@pytest.mark.parametrize(
    ("token", "code"),
    [(TOKEN, 0), ("", 40104), (f"Bearer {TOKEN}", 40105), (f"bearer {TOKEN}", 40105), (TOKEN + "x", 40105)],
)
def test_judges_the_header(sandbox, token, code):
    assert track(sandbox, token=token)["code"] == code


def test_refuses_a_pixel_of_somebody_else(sandbox):
    assert track(sandbox, make_body(event_source_id="PIXELCODE2"))["code"] == 40001


def test_refuses_a_revoked_token_until_it_is_active_again(sandbox):
    sandbox.register_token(PIXEL, TOKEN, "revoked")
    assert track(sandbox)["code"] == 40105

    sandbox.register_token(PIXEL, TOKEN, "active")
    assert track(sandbox)["code"] == 0


def test_gives_one_token_several_pixels(sandbox):
    sandbox.register_token("PIXELCODE2", TOKEN)

    assert track(sandbox)["code"] == 0
    assert track(sandbox, make_body(event_source_id="PIXELCODE2"))["code"] == 0


def test_registers_over_http(sandbox):
    status, answer = post_json(sandbox, TOKENS, {"pixel_code": "PIXELCODE2", "token": "another-long-token"})

    assert status == 200
    assert [token["last4"] for token in answer["tokens"]] == ["ixel", "oken"]
    assert track(sandbox, make_body(event_source_id="PIXELCODE2"), "another-long-token")["code"] == 0


def test_revokes_by_the_number_of_the_token(sandbox):
    [token] = get_json(sandbox, TOKENS)["tokens"]

    post_json(sandbox, TOKENS, {"id": token["id"], "state": "revoked"})

    assert track(sandbox)["code"] == 40105


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": "t", "pixel_code": 5},
        {"token": "", "pixel_code": PIXEL},
        {"token": TOKEN, "pixel_code": PIXEL, "state": "gone"},
        {"id": 99},
        {"id": "x"},
        {"id": []},
    ],
)
def test_explains_a_bad_registration(sandbox, body):
    status, answer = post_json(sandbox, TOKENS, body)

    assert status == 400
    assert answer["error"]


class TestAcceptAnyToken:
    @pytest.fixture
    def sandbox(self):
        with Sandbox.running(accept_any_token=True) as sandbox:
            yield sandbox

    def test_takes_an_unknown_token_for_the_pixel_it_comes_with(self, sandbox):
        assert track(sandbox)["code"] == 0
        assert track(sandbox)["code"] == 0
        assert track(sandbox, make_body(event_source_id="PIXELCODE2"))["code"] == 40001

    @pytest.mark.parametrize(("token", "code"), [("", 40104), ("short", 40105), (f"Bearer {TOKEN}", 40105)])
    def test_still_refuses_what_is_no_token(self, sandbox, token, code):
        assert track(sandbox, token=token)["code"] == code

    def test_keeps_refusing_a_revoked_token(self, sandbox):
        sandbox.register_token(PIXEL, TOKEN, "revoked")

        assert track(sandbox)["code"] == 40105


def test_shows_nothing_of_a_short_token(sandbox):
    sandbox.register_token(PIXEL, "tiny")

    assert get_json(sandbox, TOKENS)["tokens"][1]["last4"] == ""
    assert b"tiny" not in call(sandbox, "GET", "/")[2]
