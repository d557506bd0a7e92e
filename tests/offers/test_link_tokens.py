"""The {tokens} of landing and offer URLs: a closed set, always quoted."""

from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from offers.link_tokens import TOKENS, fill_tokens, validate_link


def refusal(url: str) -> str:
    with pytest.raises(ValidationError) as raised:
        validate_link(url)
    return raised.value.code


@pytest.mark.parametrize(
    "url",
    [
        "https://network.example/?s={click_id}",
        "http://127.0.0.1:8000/demo/landing/",
        "https://network.example/{offer}/{ad_id}?a={utm_source}#{variant}",
        "https://[2001:db8::1]:8443/x",
    ],
)
def test_absolute_addresses_with_known_tokens_are_taken(url: str):
    validate_link(url)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("/relative", "not_absolute"),
        ("network.example/x", "not_absolute"),
        ("javascript:alert(1)//{click_id}", "not_absolute"),
        ("ftp://network.example/", "not_absolute"),
        ("https:///x", "not_absolute"),
        ("https://[broken/{click_id}", "not_absolute"),
        ("https://network.example:port/", "not_absolute"),
        ("{utm_source}://network.example/", "not_absolute"),
        ("https://network.example/?s={clickid}", "unknown_token"),
        ("https://network.example/?s={}", "unknown_token"),
        ("https://network.example/?s={click_id.__class__}", "unknown_token"),
        ("https://network.example/?s={click_id!r}", "unknown_token"),
        ("https://network.example/?s={{click_id}}", "stray_brace"),
        ("https://network.example/?s={click_id", "stray_brace"),
        ("https://{utm_source}/?s={click_id}", "token_in_host"),
        ("https://network.example{utm_source}/", "token_in_host"),
        ("https://{utm_source}@network.example/", "token_in_host"),
        ("https://network.example/?a=1?s={click_id}", "double_question_mark"),
    ],
)
def test_anything_else_is_refused_with_its_reason(url: str, code: str):
    assert refusal(url) == code


def test_the_refusal_of_an_unknown_token_lists_the_known_ones():
    with pytest.raises(ValidationError) as raised:
        validate_link("https://network.example/?s={subid}")

    assert all(f"{{{token}}}" in raised.value.message for token in TOKENS)


def test_a_token_without_a_value_becomes_empty():
    assert fill_tokens("https://network.example/?s={utm_term}&t=1", {}) == "https://network.example/?s=&t=1"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_value_can_break_out_of_its_parameter(value: str):
    url = fill_tokens("https://network.example/?s={utm_term}&t=1", {"utm_term": value})

    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    assert (parts.hostname, parts.path, parts.fragment) == ("network.example", "/", "")
    assert query == {"s": [value], "t": ["1"]}


@given(st.text(alphabet="htps:/[]{}?#@.%x1\\ \n\x00_clikd", max_size=60))
def test_no_text_breaks_the_validator(text: str):
    for url in (text, "https://" + text, "https://network.example/" + text):
        with suppress(ValidationError):
            validate_link(url)


def test_a_value_with_braces_is_not_filled_a_second_time():
    filled = fill_tokens("https://network.example/?s={utm_term}", {"utm_term": "{click_id}", "click_id": "secret"})

    assert "secret" not in filled


@pytest.mark.parametrize("name", ["ttclid", "ip", "_state", "offer_id", "click_id.__class__", "", "x"])
def test_only_the_closed_set_is_ever_filled_in(name: str):
    url = f"https://network.example/{{{name}}}?s={{{name}}}"

    assert fill_tokens(url, {name: "secret"}) == "https://network.example/?s="


@pytest.mark.parametrize("value", [".", "..", "../x", "a/../b", "..\\x", ".. ", "./"])
def test_a_value_in_the_path_never_leads_up(value: str):
    assert fill_tokens("https://network.example/a/{variant}/b", {"variant": value}) == "https://network.example/a//b"


def test_two_harmless_values_make_no_step_up_together():
    values = {"variant": ".", "utm_term": "."}

    assert fill_tokens("https://n.example/{variant}{utm_term}/b?{variant}", values) == "https://n.example//b?."
    assert fill_tokens("https://n.example/v1.{variant}/b", values) == "https://n.example/v1../b"
