"""Long hostile input: only as much of it is worked on as is kept, and that hides as much as ever."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions.calls import Call, UnreadableCallError
from conversions.identity import HIDDEN, hide_beginning, hide_inside
from conversions.intake import beginning_of, first_hash
from conversions.reading import parse_form, parse_multipart


@given(st.text(alphabet="ab@.= phone", max_size=60))
def test_the_beginning_of_a_short_text_is_hidden_as_ever(text: str):
    assert hide_beginning(text, 40) == hide_inside(text)[:40]


@pytest.mark.parametrize("blanks", range(0, 400, 7))
def test_half_an_address_at_the_end_of_what_is_looked_at_is_not_kept(blanks: int):
    text = "phone=" + "1" * 400 + " " * blanks + "jane.doe@example.com " * 50

    assert "jane" not in hide_beginning(text, 300)


def test_a_long_refused_call_keeps_its_beginning_without_addresses():
    kept = beginning_of(Call("POST", "", b"a=1&email=jane@example.com&" + b"x" * 60_000))

    assert kept == f"a=1&email={HIDDEN}&" + "x" * (2000 - len(f"a=1&email={HIDDEN}&"))


@given(st.text(alphabet="%4aAg=&", max_size=30))
def test_percent_signs_that_escape_nothing_are_themselves(text: str):
    try:
        assert parse_form(text) == parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnreadableCallError as error:
        assert error.detail == "A parameter is not UTF-8."  # noqa: PT017


@pytest.mark.parametrize("boundary", ["boundary=x", 'charset=utf-8; Boundary="x"'])
def test_a_multipart_form_of_too_many_parts_is_not_parsed(boundary: str):
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'

    with pytest.raises(UnreadableCallError, match="more than 250"):
        parse_multipart(Call("POST", "", part * 251 + b"--x--\r\n", f"multipart/form-data; {boundary}"))
    assert len(parse_multipart(Call("POST", "", part * 250 + b"--x--\r\n", f"multipart/form-data; {boundary}"))) == 250


def test_only_the_first_few_contacts_are_tried():
    asked = []

    assert first_hash(asked.append(n) or "" for n in range(250)) == ""
    assert len(asked) == 5
