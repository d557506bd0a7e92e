"""TikTok's answer codes and what each means for us, as data. The body's `code` decides, never the HTTP status.

Names from TikTok's business-api SDK (`tiktok_code.py`); the verdicts follow what public senders learnt from them.
"""

from django.db.models import TextChoices


class Verdict(TextChoices):
    """What an answer means for the deliveries of a request."""

    ACCEPTED = "accepted", "Accepted"
    THROTTLED = "throttled", "Too many requests"
    AUTH = "auth", "Credential refused"
    INVALID = "invalid", "Event refused"
    TRANSIENT = "transient", "TikTok's trouble"
    UNKNOWN = "unknown", "Outcome unknown"


CODES: dict[int, tuple[Verdict, str]] = {
    0: (Verdict.ACCEPTED, "OK"),
    20001: (Verdict.ACCEPTED, "Accepted with warnings"),
    40000: (Verdict.INVALID, "Invalid parameters"),
    40001: (Verdict.AUTH, "No permission for this pixel"),
    40002: (Verdict.INVALID, "Parameter error"),
    40003: (Verdict.INVALID, "Forbidden"),
    40006: (Verdict.INVALID, "Version error"),
    40007: (Verdict.INVALID, "Does not exist"),
    40008: (Verdict.TRANSIENT, "Not implemented"),
    40016: (Verdict.THROTTLED, "Frequency control"),
    40050: (Verdict.ACCEPTED, "Duplicated request"),
    40051: (Verdict.TRANSIENT, "Unsupported API version"),
    40061: (Verdict.INVALID, "Batch too large"),
    40062: (Verdict.INVALID, "Personal data not hashed"),
    40063: (Verdict.INVALID, "Invalid partner name"),
    40100: (Verdict.THROTTLED, "Requests too frequent"),
    40132: (Verdict.THROTTLED, "Request frequency limited"),
    40201: (Verdict.TRANSIENT, "Task not ready"),
    40202: (Verdict.TRANSIENT, "Write conflict"),
    40300: (Verdict.INVALID, "Advertiser does not exist"),
    40301: (Verdict.AUTH, "Advertiser role error"),
    40400: (Verdict.TRANSIENT, "Route not found"),
    40700: (Verdict.INVALID, "Validation error"),
    41000: (Verdict.INVALID, "Blocked"),
    41001: (Verdict.TRANSIENT, "Interface offline"),
    41002: (Verdict.INVALID, "Fields offline"),
    50000: (Verdict.TRANSIENT, "System error"),
    50002: (Verdict.TRANSIENT, "Timeout"),
    51010: (Verdict.TRANSIENT, "Internal timeout"),
    51012: (Verdict.TRANSIENT, "Pixel error"),
    53102: (Verdict.TRANSIENT, "Serialisation error"),
    53103: (Verdict.TRANSIENT, "Deserialisation error"),
    60001: (Verdict.TRANSIENT, "Maintenance"),
    61000: (Verdict.THROTTLED, "Too many requests"),
    51021: (Verdict.THROTTLED, "Too many requests"),
    **dict.fromkeys(
        (
            40101,
            40102,
            40103,
            40104,
            40105,
            40106,
            40107,
            40108,
            40110,
            40113,
            40114,
            40117,
            40118,
            40124,
            40125,
            40130,
        ),
        (Verdict.AUTH, "Access token or permission refused"),
    ),
}
WITH_WARNING = frozenset({20001})


def verdict_of(code: int) -> Verdict:
    """The verdict on a body code; one that we do not know is tried again, because losing is worse than asking."""
    return CODES[code][0] if code in CODES else Verdict.TRANSIENT


def meaning_of(code: int | None) -> str:
    """The code in words, for screens; empty when we know none."""
    return CODES[code][1] if code in CODES else ""
