"""Where a visitor is, as our proxy or a database of addresses says; it decides about consent and limited data use."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from conversions.geoip import place_of
from conversions.visitor import is_trusted, peer_address

COUNTRY = re.compile(r"[A-Z]{2}")
REGION = re.compile(r"[A-Z0-9]{1,3}")
UNKNOWN = ("XX", "T1")  # what Cloudflare says of an unknown place and of Tor
NOWHERE = ("", "")


def whereabouts(request: HttpRequest, ip: str | None) -> tuple[str, str]:
    """Country (ISO 3166, two letters) and region (the part of ISO 3166-2 behind it); empty where nobody knows.

    A proxy that knows the country is believed before the database.
    """
    told = by_proxy(request)
    return by_address(ip or "") if told == NOWHERE else told


def by_proxy(request: HttpRequest) -> tuple[str, str]:
    if not settings.COUNTRY_HEADER:
        return NOWHERE
    peer = peer_address(request.META.get("REMOTE_ADDR", ""))
    if peer is None or not is_trusted(peer):
        return NOWHERE
    return place(header(request, settings.COUNTRY_HEADER), header(request, settings.REGION_HEADER))


def header(request: HttpRequest, name: str) -> str:
    key = "HTTP_" + name.upper().replace("-", "_")
    return str(request.META.get(key, "")) if name else ""


def by_address(ip: str) -> tuple[str, str]:
    """What a country or city database says, in the layout of MaxMind and DB-IP or in that of IPinfo."""
    found = place_of(ip)
    subdivisions = found.get("subdivisions")
    region = subdivisions[0] if isinstance(subdivisions, list) and subdivisions else None
    return place(found.get("country_code") or code_of(found.get("country")), code_of(region))


def code_of(entry: Any) -> Any:
    return entry.get("iso_code") if isinstance(entry, Mapping) else entry


def place(country: Any, region: Any) -> tuple[str, str]:
    """Country and region where they are codes, however they were written; a region alone is nothing."""
    country, region = (str(code or "").strip().upper() for code in (country, region))
    if not COUNTRY.fullmatch(country) or country in UNKNOWN:
        return NOWHERE
    region = region.removeprefix(f"{country}-")
    return country, region if REGION.fullmatch(region) else ""
