"""System checks: every broken setting that we can foresee is explained at start, with an id and a hint."""

import base64
import binascii
import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from maxminddb import InvalidDatabaseError

from conversions.geoip import open_database
from dispatch.tiktok.contract import MAX_EVENTS
from trackingsite.disks import unwritable_state

CLICK_WINDOW_DAYS = 28
NO_STATE = "workers on this host would send nothing, as they keep their locks in STATE_DIR."
MAKE_STATE_WRITABLE = (
    "Give it to the user that runs the workers, or set STATE_DIR to a folder that this user may write."
)
MAKE_KEY = 'Make one with: python -c "from trackingsite.environment import new_field_key; print(new_field_key())"'


@register
def field_keys(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """FIELD_ENCRYPTION_KEYS: at least one, each 256 bits in URL-safe base64, and not the SECRET_KEY."""
    keys = settings.FIELD_ENCRYPTION_KEYS
    if not keys:
        return [
            Error("FIELD_ENCRYPTION_KEYS is empty: no token could be stored.", hint=MAKE_KEY, id="trackingsite.E001")
        ]
    if any(not is_256_bits(key) for key in keys):
        text = "FIELD_ENCRYPTION_KEYS holds something that is not 32 bytes in URL-safe base64."
        return [Error(text, hint=MAKE_KEY, id="trackingsite.E002")]
    return []


@register
def addresses(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """The addresses that we print into links and send tokens to."""
    names = ("PUBLIC_BASE_URL", "TIKTOK_API_URL", "TIKTOK_PIXEL_URL")
    broken = [name for name in names if not is_origin(getattr(settings, name))]
    messages: list[CheckMessage] = [
        Error(
            f"{name} must be a scheme and a host, such as https://track.example.com, not {getattr(settings, name)!r}.",
            hint="Leave out any path, query and trailing slash.",
            id="trackingsite.E003",
        )
        for name in broken
    ]
    if "TIKTOK_API_URL" not in broken and not is_private_channel(settings.TIKTOK_API_URL):
        text = "TIKTOK_API_URL is neither https nor on this machine, so access tokens would travel in clear."
        messages.append(Warning(text, hint="Use https.", id="trackingsite.W001"))
    return messages


@register
def trusted_proxies(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """TRUSTED_PROXIES: addresses and ranges only."""
    wrong = [text for text in settings.TRUSTED_PROXIES if not is_range(text)]
    if not wrong:
        return []
    text = f"TRUSTED_PROXIES holds {wrong[0]!r}, which is neither an IP address nor a range."
    return [Error(text, hint="Write for example 10.0.0.0/8,192.0.2.7.", id="trackingsite.E004")]


@register
def sending(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Batch size and deadline: within what TikTok takes, and well within a lease."""
    messages: list[CheckMessage] = []
    if not 1 <= settings.TIKTOK_BATCH_SIZE <= MAX_EVENTS:
        text = f"TIKTOK_BATCH_SIZE must be between 1 and {MAX_EVENTS}."
        messages.append(Error(text, hint="100 is the default.", id="trackingsite.E005"))
    if not 0 < settings.TIKTOK_DEADLINE_SECONDS <= settings.DELIVERY_LEASE_SECONDS / 4:
        text = "TIKTOK_DEADLINE_SECONDS must be above 0 and at most a quarter of DELIVERY_LEASE_SECONDS."
        messages.append(Error(text, hint="10 and 60 are the defaults.", id="trackingsite.E006"))
    return messages


@register
def retention(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """RETENTION_VISITOR_DAYS: not within the time in which a click still converts."""
    if not 0 < settings.RETENTION_VISITOR_DAYS < CLICK_WINDOW_DAYS:
        return []
    text = (
        f"RETENTION_VISITOR_DAYS is below {CLICK_WINDOW_DAYS}: TikTok counts conversions up to that long after a click."
    )
    hint = "Later conversions go out without IP address and user agent. 60 is the default."
    return [Warning(text, hint=hint, id="trackingsite.W002")]


@register
def state_folder(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """STATE_DIR: writable where the workers are; a host that only serves pages may do without."""
    path = unwritable_state()
    if path is None:
        return []
    return [Warning(f"{path} can't be written to: {NO_STATE}", hint=MAKE_STATE_WRITABLE, id="trackingsite.W003")]


@register
def places(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """GEOIP_PATH: empty, or a database that can be read."""
    try:
        if settings.GEOIP_PATH:
            open_database(settings.GEOIP_PATH).close()
    except (OSError, ValueError, InvalidDatabaseError) as error:
        text = f"GEOIP_PATH can't be read, so visitors' countries are unknown: {error}"
        hint = "Put a country or city database in MaxMind's format there (.mmdb), or leave GEOIP_PATH empty."
        return [Warning(text, hint=hint, id="trackingsite.W004")]
    return []


@register
def redis(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """REDIS_URL: empty, or an address of Redis."""
    if not settings.REDIS_URL or urlsplit(settings.REDIS_URL).scheme in ("redis", "rediss", "unix"):
        return []
    hint = "Write for example redis://127.0.0.1:6379/0, or leave it empty to use the database."
    return [Error("REDIS_URL is not an address of Redis.", hint=hint, id="trackingsite.E007")]


def is_256_bits(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == 32
    except (binascii.Error, ValueError):
        return False


def is_origin(text: str) -> bool:
    """Scheme and host, nothing behind them."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and not (parts.path or parts.query or parts.fragment)


def is_private_channel(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" or host == "localhost" or (is_range(host) and ipaddress.ip_address(host).is_loopback)


def is_range(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
