"""Against other web sites that make the operator's browser talk to the sandbox."""

import ipaddress

from dispatch.tiktok.sandbox.exchange import Request
from dispatch.tiktok.sandbox.state import State


def is_known_host(state: State, request: Request) -> bool:
    """DNS rebinding needs a name of the attacker's: addresses and localhost are safe without a list."""
    name = _host_name(request.header("Host"))
    return _is_address(name) or name.endswith("localhost") or name in state.allowed_hosts


def may_change(request: Request) -> bool:
    """JSON from elsewhere would need a preflight, which nobody answers; a form must be our own page's."""
    if request.content_type == "application/json":
        return True
    return request.header("Origin") == f"http://{request.header('Host')}"


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
