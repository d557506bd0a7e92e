"""E-mail and phone: normalised as TikTok asks, hashed on arrival, never kept in clear.

Source for the normal forms: TikTok's Events API parameter table (e-mail trimmed and lower-case; phone as E.164 with
the leading plus; SHA-256, lower-case hex).
"""

import hashlib
import re
from urllib.parse import unquote_plus

import phonenumbers
import re2

EMAIL = re.compile(r"""[^@\s"'<>()\[\],;:\\]+@[^@\s"'<>()\[\],;:\\]+\.[^@\s"'<>()\[\],;:\\]+""")
# The look-behind keeps it linear: a run of word characters is tried once, not from each of its characters.
EMAIL_INSIDE = re.compile(r"(?<![\w.+%-])[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")
EMAIL_KEYS = frozenset({"email", "e-mail", "user_email", "mail", "customer_email", "em"})
PHONE_KEYS = frozenset(
    {"phone", "phone_number", "user_phone", "tel", "mobile", "cell", "whatsapp", "customer_phone", "ph"}
)
MAX_EMAIL = 254  # RFC 5321; EMAIL would take quadratic time on longer text
HIDDEN = "[hidden]"
PERSONAL_WORD = (
    r"(?:e[-_]?mail|(?<!i)phone|msisdn"
    r"|(?:first|last|full|customer|buyer|billing|shipping)[-_]?name|(?:customer|buyer|billing|shipping)[-_]?address)"
)  # (?<!i): an iPhone is no number
PERSONAL_KEY = re.compile(r"(?=[epm])" + PERSONAL_WORD, re.IGNORECASE)
# A key, its separator (that of a URL, of JSON, of either inside a URL, of multipart), then a list, an object or a text.
# The look-ahead (a key's first letter) and the possessive run make it several times as fast on hostile text.
NAMED_INSIDE = re.compile(
    r"(?=[emptcw])((?:" + PERSONAL_WORD + r"[\w-]{0,20}+|(?<![a-z_])(?:em|ph|tel|mail|mobile|cell|whatsapp))"
    r"""\]?(?:\\*["']|%22|%27)?(?:\s*(?:[=:]|%3D|%3A)|\r?\n\r?\n)\s*(?:\\*["']|%22|%27)?)"""
    r"""(?:\[[^\]]*\]?|\{[^}]*\}?|[^&"'\s,}\\]+[^&"',}\n\\]*)""",
    re.IGNORECASE,
)
SUSPECT = re.compile(r"[@=:%\n]")  # neither an address nor a key with its value does without
# What NAMED_INSIDE never matches without, in a small part of its time.
NAMES_SOMEBODY = re2.compile(r"(?i)mail|phone|msisdn|name|address|(?:^|[^a-z_])(?:em|ph|tel|mobile|cell|whatsapp)")


def sha256(text: str) -> str:
    """Lower-case hex SHA-256 of the UTF-8 text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def hash_email(text: str) -> str:
    """Digest of an e-mail address; a digest passes through; empty for what is no address."""
    text = text.strip().lower()
    if SHA256_HEX.fullmatch(text):
        return text
    return sha256(text) if len(text) <= MAX_EMAIL and EMAIL.fullmatch(text) else ""


def hash_phone(text: str, region: str = "") -> str:
    """Digest of a phone number in E.164 form; a digest passes through; empty for what is no number.

    `region` (ISO 3166, two letters) completes numbers without a country prefix.
    """
    if SHA256_HEX.fullmatch(text.strip()):
        return text.strip().lower()
    number = to_e164(text, region)
    return sha256(number) if number else ""


def hash_external_id(text: str) -> str:
    """Digest of the advertiser's own id of a person; a digest passes through."""
    text = text.strip()
    if SHA256_HEX.fullmatch(text):
        return text.lower()
    return sha256(text) if text else ""


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
    """Whether a parameter of this name holds an e-mail address or a phone number, ours to hash or not."""
    folded = key.casefold()
    return folded in EMAIL_KEYS or folded in PHONE_KEYS or PERSONAL_KEY.search(folded) is not None


def hide_inside(text: str) -> str:
    """The text with e-mail addresses, and what follows a key such as `phone=`, replaced wherever they stand."""
    if not SUSPECT.search(text):
        return text
    if NAMES_SOMEBODY.search(text):
        text = NAMED_INSIDE.sub(rf"\1{HIDDEN}", text)
    return EMAIL_INSIDE.sub(HIDDEN, text) if "@" in text or "%40" in text else text


def hide_beginning(text: str, length: int) -> str:
    """The first `length` characters of what hide_inside() makes of a text, without looking at all of a long one.

    What stands at the end of what is looked at may be half an address, so it is left out.
    """
    seen = 2 * length + MAX_EMAIL
    hidden = hide_inside(text[:seen])
    return (hidden if len(text) <= seen else hidden[:-MAX_EMAIL])[:length]


def scrub_url(url: str) -> str:
    """The URL without personal data in its query, everything else kept to the letter, however odd it is."""
    address, mark, rest = url.partition("?")
    query, hash_sign, fragment = rest.partition("#")
    kept = [part for part in query.split("&") if not is_personal(unquote_plus(part.partition("=")[0]))]
    return hide_inside(address + mark + "&".join(kept) + hash_sign + fragment)
