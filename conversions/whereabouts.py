"""Where a visitor is, as the proxy in front of us says; it decides about consent and limited data use."""

import re

from django.conf import settings
from django.http import HttpRequest

from conversions.visitor import is_trusted, peer_address

COUNTRY = re.compile(r"[A-Z]{2}")
REGION = re.compile(r"[A-Z0-9]{1,3}")
UNKNOWN = ("XX", "T1")  # what Cloudflare says of an unknown place and of Tor


def whereabouts(request: HttpRequest) -> tuple[str, str]:
    """Country (ISO 3166, two letters) and region (the part of ISO 3166-2 behind it); empty where nobody knows."""
    peer = peer_address(request.META.get("REMOTE_ADDR", ""))
    if peer is None or not is_trusted(peer):
        return "", ""
    country = header(request, settings.COUNTRY_HEADER)
    if not COUNTRY.fullmatch(country) or country in UNKNOWN:
        return "", ""
    region = header(request, settings.REGION_HEADER).removeprefix(f"{country}-")
    return country, region if REGION.fullmatch(region) else ""


def header(request: HttpRequest, name: str) -> str:
    key = "HTTP_" + name.upper().replace("-", "_")
    return str(request.META.get(key, "")).strip().upper() if name else ""
