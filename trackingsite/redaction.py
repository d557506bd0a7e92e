"""Keeps secrets and personal data out of every log line, whoever writes it."""

import logging
import re

from django.core.exceptions import PermissionDenied

PATTERNS = [
    (re.compile(r"(?i)(/postback/[^/\s]+/)[^/\s?\"']+"), r"\1[secret]"),
    (re.compile(r"(?i)((?:phone|mobile)[\"']?\s*[=:]\s*[\"']?)[+%\d][\d\s().%A-F-]*"), r"\1[hidden]"),
    (
        re.compile(
            r"(?i)((?:access[-_]token|authorization|token|secret|password|email|phone|ttclid)[\"']?\s*[=:]\s*[\"']?)"
            r"(?:(?:bearer|basic)\s+)?[^\s&\"',}]+"
        ),
        r"\1[hidden]",
    ),
    # The look-behind keeps it linear on a long word; a path in a log line may be one.
    (re.compile(r"(?<![\w.+%-])[\w.+%-]+(?:@|%40)[\w-]+\.[\w.-]+"), "[email]"),
]


def redact(text: str) -> str:
    """The text without postback secrets, tokens, e-mail addresses and phone parameters, on one line each."""
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFilter(logging.Filter):
    """Redacts a record's message before any handler formats it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n")
        record.args = None
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
            record.exc_info = None  # somebody may not do something; there is nothing to trace
        return True


class RedactingFormatter(logging.Formatter):
    """Redacts tracebacks as well, which can hold a failing statement's parameters."""

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's own name
        return redact(super().formatException(ei))  # type: ignore[arg-type]
