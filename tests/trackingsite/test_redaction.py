"""Log lines without secrets and personal data, each of them one line."""

import io
import logging
import sys
import time

import pytest

from trackingsite.redaction import RedactingFilter, RedactingFormatter, redact


@pytest.fixture
def log():
    """A logger with the site's filter and formatter, and what it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(RedactingFormatter("{levelname} {message}", style="{"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, stream


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Not Found: /postback/net/THE-SECRET/", "Not Found: /postback/net/[secret]/"),
        ('"GET /postback/net/THE-SECRET/?a=1 HTTP/1.1"', '"GET /postback/net/[secret]/?a=1 HTTP/1.1"'),
        ("https://t.example/postback/net/THE-SECRET?a=1", "https://t.example/postback/net/[secret]?a=1"),
        ("Access-Token: abc123", "Access-Token: [hidden]"),
        ("{'access_token': 'abc123', 'a': 1}", "{'access_token': '[hidden]', 'a': 1}"),
        ("Authorization: Bearer abc123", "Authorization: [hidden]"),
        ('{"password": "abc123"}', '{"password": "[hidden]"}'),
        ("?ttclid=E.C.P.abc&a=1", "?ttclid=[hidden]&a=1"),
        ("mail from jane.doe@example.com today", "mail from [email] today"),
        ("?x=jane%40example.com&a=1", "?x=[email]&a=1"),
        ("?phone=%2B12133734253&a=1", "?phone=[hidden]&a=1"),
        ("phone=+1 (213) 373-4253", "phone=[hidden]"),
        ('{"phone": "+1 213 373 4253"}', '{"phone": "[hidden]"}'),
    ],
)
def test_secrets_and_personal_data_are_hidden(text: str, redacted: str):
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text", ["200 GET /c/demo/", "Postback 17 could not be digested", "event_id 5f-0a, code 40002"]
)
def test_other_lines_stay_as_they_are(text: str):
    assert redact(text) == text


@pytest.mark.parametrize("text", ["a", "a@", "%40", "phone", "phone:", "token ", "/postback/", "a.", "x@b"])
def test_redaction_takes_no_time_on_hostile_text(text: str):
    started = time.process_time()

    redact((text * 16000)[:16000])

    assert time.process_time() - started < 0.3


def test_arguments_are_redacted_like_the_message(log):
    logger, stream = log

    logger.warning("%s: %s", "Not Found", "/postback/net/THE-SECRET/")

    assert stream.getvalue() == "WARNING Not Found: /postback/net/[secret]/\n"


def test_a_message_with_percent_signs_survives(log):
    logger, stream = log

    logger.warning("%s", "100 %s of %d")

    assert stream.getvalue() == "WARNING 100 %s of %d\n"


def test_nobody_can_forge_a_second_line(log):
    logger, stream = log

    logger.warning("Not Found: %s", "/x\r\n2026-01-01 INFO forged")

    assert stream.getvalue().count("\n") == 1


def test_a_traceback_is_redacted_too(log):
    logger, stream = log

    try:
        raise RuntimeError("while serving /postback/net/THE-SECRET/ for jane@example.com")
    except RuntimeError:
        logger.error("Failed", exc_info=sys.exc_info())

    assert "RuntimeError" in stream.getvalue()
    assert "THE-SECRET" not in stream.getvalue()
    assert "jane" not in stream.getvalue()
