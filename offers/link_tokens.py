"""The closed set of {tokens} in landing and offer URLs. Nothing else in a URL is ever interpreted."""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ValidationError

TOKENS = {
    "click_id": "our own click id; the network's sub-id must carry it",
    "offer": "the offer's slug",
    "utm_source": "utm_source of the click",
    "utm_medium": "utm_medium of the click",
    "utm_campaign": "utm_campaign of the click",
    "utm_content": "utm_content of the click",
    "utm_term": "utm_term of the click",
    "campaign_id": "TikTok's campaign id",
    "adgroup_id": "TikTok's ad group id",
    "ad_id": "TikTok's ad id",
    "creative_id": "the creative's id",
    "placement": "the placement",
    "landing_version": "the landing page's version",
    "variant": "the test variant",
}
BRACED = re.compile(r"\{([^{}]*)\}")
ENDS_PATH = re.compile(r"[?#]")
SLASHES = re.compile(r"[/\\]")


def fill_tokens(url: str, values: Mapping[str, str]) -> str:
    """The URL with every known token replaced by its URL-quoted value (empty when there is none)."""
    if "{" not in url:
        return url
    path = ENDS_PATH.split(url, maxsplit=1)[0]
    return "/".join(fill_segment(segment, values) for segment in path.split("/")) + fill(url[len(path) :], values)


def fill(text: str, values: Mapping[str, str]) -> str:
    return BRACED.sub(lambda match: quote(values.get(match[1], "") if match[1] in TOKENS else "", safe=""), text)


def fill_segment(segment: str, values: Mapping[str, str]) -> str:
    """One step of a path. A value that would lead up is left out: `..` is followed, also behind an encoded slash."""
    if "{" not in segment:
        return segment
    filled = fill(segment, values)
    leads_up = any(step.strip() in (".", "..") for step in SLASHES.split(unquote(filled)))
    return fill(segment, {}) if leads_up else filled


def validate_link(url: str) -> None:
    """Raises ValidationError unless `url` is absolute http(s) and uses only known tokens."""
    without_tokens = BRACED.sub("x", url)
    if not is_absolute(without_tokens):
        raise ValidationError("Enter a complete address that starts with https:// or http://.", "not_absolute")
    if "{" in without_tokens or "}" in without_tokens:
        raise ValidationError("A { or } stands alone; a token has one of each, as in {click_id}.", "stray_brace")
    unknown = [token for token in BRACED.findall(url) if token not in TOKENS]
    if unknown:
        known = ", ".join(f"{{{token}}}" for token in TOKENS)
        raise ValidationError(f"{{{unknown[0]}}} is not a known token. You can use: {known}.", "unknown_token")
    if "{" in urlsplit(url).netloc:
        raise ValidationError("A token can't stand in the host name.", "token_in_host")
    if url.count("?") > 1:
        raise ValidationError("The address has two question marks; join parameters with &.", "double_question_mark")


def is_absolute(url: str) -> bool:
    """Whether it is an http(s) address with a host, and a port that is a number if any."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a broken IPv6 address or port
        return False
