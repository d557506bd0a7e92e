"""E-mail and phone: normalised as TikTok asks, hashed on arrival, never kept in clear.

Source for the normal forms: TikTok's Events API parameter table (e-mail trimmed and lower-case; phone as E.164 with
the leading plus; SHA-256, lower-case hex).
"""

import hashlib
import re
from urllib.parse import unquote_plus

import phonenumbers

EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
EMAIL_INSIDE = re.compile(r"[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
SHA256_HEX = re.compile(r"^[0-9a-fA-F]{64}$")
EMAIL_KEYS = frozenset({"email", "e-mail", "user_email", "mail", "customer_email", "em"})
PHONE_KEYS = frozenset({"phone", "phone_number", "user_phone", "tel", "mobile", "customer_phone", "ph"})
NAMED_INSIDE = re.compile(
    r"(?i)((?<![a-z_])(?:"
    + "|".join(sorted(EMAIL_KEYS | PHONE_KEYS))
    + r")[\"']?\s*[=:]\s*[\"']?)[^&\"'\s,}]+[^&\"',}\n]*"
)
HIDDEN = "[hidden]"


def sha256(text: str) -> str:
    """Lower-case hex SHA-256 of the UTF-8 text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def hash_email(text: str) -> str:
    """Digest of an e-mail address; a digest passes through; empty for what is no address."""
    text = text.strip().lower()
    if SHA256_HEX.match(text):
        return text
    return sha256(text) if EMAIL.match(text) else ""


def hash_phone(text: str, region: str = "") -> str:
    """Digest of a phone number in E.164 form; a digest passes through; empty for what is no number.

    `region` (ISO 3166, two letters) completes numbers without a country prefix.
    """
    if SHA256_HEX.match(text.strip()):
        return text.strip().lower()
    number = to_e164(text, region)
    return sha256(number) if number else ""


def to_e164(text: str, region: str = "") -> str:
    """`+` and digits, or empty when the text is no valid number.

    An unescaped plus in a query string arrives as a blank, so a leading blank counts as a plus. Digits alone are read
    in the region first, then as a number whose plus was lost.
    """
    digits = text.strip()
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    candidates = [digits] if "+" in digits else [digits, "+" + digits]
    if text.startswith(" "):
        candidates.reverse()
    numbers = (parse_phone(candidate, region) for candidate in candidates)
    return next((number for number in numbers if number), "")


def parse_phone(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text[:40], region or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_personal(key: str) -> bool:
    """Whether a parameter of this name holds an e-mail address or a phone number."""
    return key.casefold() in EMAIL_KEYS or key.casefold() in PHONE_KEYS


def hide_inside(text: str) -> str:
    """The text with e-mail addresses, and what follows a key such as `phone=`, replaced wherever they stand."""
    return EMAIL_INSIDE.sub(HIDDEN, NAMED_INSIDE.sub(rf"\1{HIDDEN}", text))


def scrub_url(url: str) -> str:
    """The URL without personal data in its query, everything else kept to the letter, however odd it is."""
    address, mark, rest = url.partition("?")
    query, hash_sign, fragment = rest.partition("#")
    kept = [part for part in query.split("&") if not is_personal(unquote_plus(part.partition("=")[0]))]
    return hide_inside(address + mark + "&".join(kept) + hash_sign + fragment)
