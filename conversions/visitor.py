"""Who is calling: the visitor's own address and browser, never a proxy's or the server's."""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
USER_AGENT_LIMIT = 1000
PRIVATE = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
# Some proxies add the port; PostgreSQL takes no zone.
ADDRESS = re.compile(r"(?P<v4>[\d.]+)(?::\d+)?|\[(?P<bracketed>[^\]%]+)(?:%[^\]]*)?\](?::\d+)?|(?P<v6>[^%]+)(?:%.*)?")


def client_ip(request: HttpRequest) -> str | None:
    """The rightmost address of X-Forwarded-For that is no trusted proxy; without trusted proxies the peer itself.

    None when the proxies don't name one: their own address must not stand for the visitor's.
    """
    peer = peer_address(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    for text in reversed(forwarded.split(",") if forwarded else []):
        if peer is None or not is_trusted(peer):
            break
        peer = parse_address(text)
    return str(peer) if peer else None


def user_agent(request: HttpRequest) -> str:
    """The browser's User-Agent, at most 1,000 characters."""
    return clean_text(request.META.get("HTTP_USER_AGENT", ""), USER_AGENT_LIMIT)


def clean_text(text: str, limit: int) -> str:
    """Storable text: no NUL and no lone surrogates (PostgreSQL takes neither), at most `limit` characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:limit]


def parse_address(text: str) -> Address | None:
    """An IPv4 or IPv6 address without port and zone, an IPv4-mapped one unwrapped; None for anything else."""
    parts = ADDRESS.fullmatch(text.strip())
    if parts is None:
        return None
    try:
        address = ipaddress.ip_address(parts["v4"] or parts["bracketed"] or parts["v6"])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


peer_address = lru_cache(maxsize=1024)(parse_address)  # of the connection itself, whose text is never long


def is_internal(address: Address) -> bool:
    """Whether it is this machine's or a private network's."""
    return address.is_loopback or address.is_link_local or any(address in network for network in PRIVATE)


def visitor_ip(ip: str | None) -> str:
    """A visitor's address, as others may be told it; empty when there is none.

    A private one is our own proxy's, unless the whole site is a local installation.
    """
    return ip if ip and (not is_private(ip) or is_local_installation()) else ""


@lru_cache(maxsize=20_000)
def is_private(ip: str) -> bool:
    return is_internal(ipaddress.ip_address(ip))


def is_local_installation() -> bool:
    return urlsplit(settings.PUBLIC_BASE_URL).hostname in ("127.0.0.1", "localhost", "::1")


def is_trusted(address: Address) -> bool:
    return any(address in proxy for proxy in trusted_proxies(tuple(settings.TRUSTED_PROXIES)))


@lru_cache(maxsize=4)
def trusted_proxies(ranges: tuple[str, ...]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text, strict=False) for text in ranges]
