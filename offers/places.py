"""Lists that staff type into one line: countries and states, host names."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

SEPARATORS = re.compile(r"[\s,;]+")
PLACE = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")  # ISO 3166-1 alpha-2, or ISO 3166-2
HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


def split_list(text: str) -> list[str]:
    """The entries of a line, separated by blanks, commas or semicolons."""
    return [entry for entry in SEPARATORS.split(text) if entry]


def tidied(text: str) -> str:
    """The entries as they are kept: each once, in the order in which they were typed."""
    return " ".join(dict.fromkeys(split_list(text)))


def places(text: str) -> frozenset[str]:
    """Countries and states in upper case, such as DE and US-CA."""
    return frozenset(split_list(text.upper()))


def host_list(text: str, landing_url: str) -> frozenset[str]:
    """The hosts in lower case, with the landing page's."""
    landing = urlsplit(landing_url).hostname
    return frozenset(split_list(text.lower()) + ([landing] if landing else []))


def validate_places(text: str) -> None:
    """Raises ValidationError with the first entry that is no country or state code."""
    for entry in split_list(text.upper()):
        if not PLACE.fullmatch(entry):
            raise ValidationError(f"“{entry}” is no country such as DE and no state such as US-CA.", "not_a_place")


def validate_hosts(text: str) -> None:
    """Raises ValidationError with the first entry that is no host name."""
    for entry in split_list(text.lower()):
        if not HOST.fullmatch(entry):
            raise ValidationError(
                f"“{entry}” is no host name. Write it as in shop.example, without https://.", "no_host"
            )
