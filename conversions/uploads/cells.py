"""What people and spreadsheet programs write into cells, as the values that networks send: amounts, times, consent."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from conversions.models import Consent
from conversions.models.upload import Upload
from conversions.networks.values import read_time

SYMBOLS = {"€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₴": "UAH", "₺": "TRY", "zł": "PLN", "R$": "BRL"}
MONEY = re.compile(r"(?P<before>[^\d(+.,-]*)(?P<number>[(+-]?[^\d(+-]*\d[\d\s.,'’]*\)?)(?P<after>\D*)")
CODE = re.compile(r"[A-Z]{3}")
EXPONENT = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")
SLASHED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[ ,T]+(\d.*))?")
ZONE = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
CLOCKS = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f")
WRITTEN_OUT = ("%b %d %Y", "%d %b %Y", "%B %d %Y", "%d %B %Y", "%b %d %Y %H:%M:%S", "%d %b %Y %H:%M:%S",
               "%b %d %Y %H:%M", "%d %b %Y %H:%M", "%b %d %Y %I:%M %p", "%B %d %Y %I:%M %p")  # fmt: skip
CONSENT_WORDS = {
    Consent.GRANTED: ("granted", "yes", "y", "true", "1", "given", "accepted"),
    Consent.DENIED: ("denied", "no", "n", "false", "0", "refused", "rejected"),
    Consent.WITHDRAWN: ("withdrawn", "revoked"),
}
CONSENT_OF_WORD = {word: consent for consent, words in CONSENT_WORDS.items() for word in words}
DateOrder = Upload.DateOrder


def tidy_amount(text: str) -> tuple[str, str]:
    """An amount as a plain number, and the currency that stands beside it; what is no amount stays as it is.

    A single comma before three digits is left for the digest to refuse: it may be a thousand, or one and a bit.
    """
    parts = MONEY.fullmatch(text.strip())
    if not parts:
        return text.strip(), ""
    number = re.sub(r"[^\d.,()+-]", "", parts["number"])
    if number.startswith("("):
        number = "-" + number.strip("()")
    beside = (parts["before"] + parts["after"]).strip()
    code = SYMBOLS.get(beside) or (beside if CODE.fullmatch(beside) else "")
    if beside and not code and beside not in ("$", "US$"):
        return text.strip(), ""
    return without_thousands(number), code


def without_thousands(number: str) -> str:
    """The number without what parts its thousands, where that can be told."""
    comma, point = number.rfind(","), number.rfind(".")
    if comma >= 0 and point >= 0:
        last = max(comma, point)
        return re.sub(r"[.,]", "", number[:last]) + "." + number[last + 1 :]
    if number.count(",") > 1 or number.count(".") > 1:
        return re.sub(r"[.,]", "", number)
    return number


def is_shortened(text: str) -> bool:
    """Whether a spreadsheet program has made a long id unreadable, as in 1.2E+18."""
    return EXPONENT.fullmatch(text) is not None


def tidy_time(text: str, order: str) -> str:
    """A time in ISO 8601, in UTC where none is named; what is no time stays as it is, to be refused."""
    text = " ".join(text.split())
    if not text or read_time(text):
        return text
    bare = ZONE.sub("", text)
    slashed = SLASHED.fullmatch(bare)
    moment = read_slashed(slashed, order) if slashed else read_time(iso_like(bare)) or read_written_out(bare)
    return moment.isoformat() if moment else text


def iso_like(text: str) -> str:
    """With dashes for slashes, which is all that parts some from ISO 8601."""
    return re.sub(r"^(\d{4})/(\d\d)/", r"\1-\2-", text)


def read_slashed(parts: re.Match[str], order: str) -> datetime | None:
    first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
    by_points = parts[2] == "."
    is_day_first = by_points or first > 12 or (order == DateOrder.DAY and second <= 12)
    if not is_day_first and order != DateOrder.MONTH and second <= 12 and first != second:
        return None
    day, month = (first, second) if is_day_first else (second, first)
    if order == DateOrder.MONTH and first > 12 and not by_points:
        return None
    return with_clock(day, month, year, (parts[5] or "").strip())


def with_clock(day: int, month: int, year: int, clock: str) -> datetime | None:
    try:
        at = next((t for t in (read_as(clock, form) for form in CLOCKS) if t), None) if clock else datetime.min
        return datetime(year, month, day, at.hour, at.minute, at.second, tzinfo=UTC) if at else None
    except ValueError:
        return None


def read_written_out(text: str) -> datetime | None:
    bare = " ".join(text.replace(",", " ").split())
    return next((moment.replace(tzinfo=UTC) for form in WRITTEN_OUT if (moment := read_as(bare, form))), None)


def read_as(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def date_order_of(values: Iterable[str]) -> str | None:
    """How a file writes its dates: DAY, MONTH, UNKNOWN where it does not matter, None where it can't be told."""
    found = [(int(m[1]), int(m[3])) for m in map(SLASHED.fullmatch, values) if m and m[2] != "."]
    if any(first > 12 for first, _ in found):
        return str(DateOrder.DAY)
    if any(second > 12 for _, second in found):
        return str(DateOrder.MONTH)
    return None if any(first != second for first, second in found) else str(DateOrder.UNKNOWN)


def read_consent(text: str) -> str:
    """What the visitor said; unknown for anything that is neither yes nor no."""
    return str(CONSENT_OF_WORD.get(text.strip().casefold(), Consent.UNKNOWN))
