"""One check for each kind of field; a check raises the refusal or adds a warning."""

import hashlib
import ipaddress
import math
import re
from collections.abc import Callable, Collection, Mapping
from urllib.parse import urlsplit

from dispatch.tiktok.sandbox.refusal import bad, not_hashed
from offers.vocabulary import CURRENCIES

Check = Callable[[object, str, list[str]], object]
"""Called with the value, its path for the message, and the list that takes warnings."""

DIGEST = re.compile(r"[0-9a-f]{64}")
LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
MACRO = re.compile(r"__[A-Z_]+__|\{[^}]*\}|%%.*%%")

# What a broken normaliser hashes: nothing, the word for nothing, and TikTok's and a vendor's sample phones
# without their plus sign (the negative controls of the contract notes).
_JUNK = ("", "null", "None", "none", "undefined", "nan", "12133734253", "6281234567890")
JUNK_DIGESTS = {hashlib.sha256(plain.encode()).hexdigest(): plain for plain in _JUNK}


def text(value: object, path: str, warnings: list[str]) -> str:
    if not isinstance(value, str):
        raise bad(path, "must be a string", value if value is not None else "null")
    if not value.strip():
        raise bad(path, "must not be empty; leave the key out instead")
    return value


def raw_id(value: object, path: str, warnings: list[str]) -> None:
    """ttclid and ttp travel as they came; a digest of them matches nobody [DOC]."""
    found = text(value, path, warnings)
    if DIGEST.fullmatch(found.lower()):
        raise bad(path, "must be sent raw, not hashed", found)
    if MACRO.search(found):
        warnings.append(f"{path}: looks like an unreplaced macro")


def hashed(value: object, path: str, warnings: list[str]) -> None:
    found = text(value, path, warnings)
    if not DIGEST.fullmatch(found):
        raise not_hashed(path, found)
    if found in JUNK_DIGESTS:
        raise bad(path, f"is the SHA-256 of {JUNK_DIGESTS[found]!r}, which is nobody", found)


def hashed_one_or_many(value: object, path: str, warnings: list[str]) -> None:
    if isinstance(value, list):
        items(hashed)(value, path, warnings)
    else:
        hashed(value, path, warnings)


def items(check: Check) -> Check:
    def check_items(value: object, path: str, warnings: list[str]) -> None:
        if not isinstance(value, list):
            raise bad(path, "must be an array", value if value is not None else "null")
        if not value:
            raise bad(path, "must not be an empty array; leave the key out instead")
        for index, item in enumerate(value):
            check(item, f"{path}.{index}", warnings)

    return check_items


def one_of(allowed: Collection[str]) -> Check:
    def check_choice(value: object, path: str, warnings: list[str]) -> None:
        if text(value, path, warnings) not in allowed:
            raise bad(path, f"must be one of {', '.join(sorted(allowed))}", value)

    return check_choice


currency = one_of(CURRENCIES)


def number(value: object, path: str, warnings: list[str]) -> None:
    """A JSON number of zero or more; bool is an int in Python and must not pass for one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad(path, "must be a number", value if value is not None else "null")
    if value < 0 or (isinstance(value, float) and not math.isfinite(value)):
        raise bad(path, "must be finite and not negative", str(value))
    if isinstance(value, float) and round(value, 4) != value:
        warnings.append(f"{path}: {value!r} has more than 4 decimals, a rounding error?")


def whole_number(value: object, path: str, warnings: list[str]) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad(path, "must be an integer", value if value is not None else "null")
    if value < 0:
        raise bad(path, "must not be negative", value)


def share(value: object, path: str, warnings: list[str]) -> None:
    number(value, path, [])
    if isinstance(value, int | float) and value > 1:
        raise bad(path, "must be between 0 and 1", value)


def flag(value: object, path: str, warnings: list[str]) -> None:
    if not isinstance(value, bool):
        raise bad(path, "must be true or false", value if value is not None else "null")


def ip_address(value: object, path: str, warnings: list[str]) -> None:
    """TikTok asks for a public address; a private one is a warning, since demonstrations run on loopback."""
    try:
        address = ipaddress.ip_address(text(value, path, warnings))
    except ValueError as error:
        raise bad(path, "must be an IPv4 or IPv6 address", value) from error
    if not address.is_global:
        warnings.append(f"{path}: {address} is not a public address, TikTok cannot match it")


def locale(value: object, path: str, warnings: list[str]) -> None:
    if not LOCALE.fullmatch(text(value, path, warnings)):
        raise bad(path, "must be a language tag such as en-US", value)


def web_url(value: object, path: str, warnings: list[str]) -> None:
    found = text(value, path, warnings)
    try:
        parts = urlsplit(found)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or re.search(r"\s", found):
        raise bad(path, "must be an absolute http or https URL", found)


def record(fields: Mapping[str, Check], required: Collection[str] = ()) -> Check:
    """An object that has no other keys than `fields`, and all the `required` ones."""

    def check_record(value: object, path: str, warnings: list[str]) -> None:
        if not isinstance(value, dict):
            raise bad(path, "must be an object", value if value is not None else "null")
        for name in required:
            if name not in value:
                raise bad(f"{path}.{name}", "is required")
        for name, found in value.items():
            if name not in fields:
                raise bad(f"{path}.{name}", "is not a known field")
            fields[name](found, f"{path}.{name}", warnings)

    return check_record
