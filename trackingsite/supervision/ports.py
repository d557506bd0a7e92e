"""Which ports are free, and who answers on them."""

import errno
import http.client
import socket
from contextlib import closing

LOCAL_NAME = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked for, not bound


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there. Raises OSError for a host that is not one of this machine's."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections don't keep a server out
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def first_free(host: str, wanted: int) -> int:
    """The wanted port or the next free one."""
    return next(port for port in range(wanted, 65536) if is_free(host, port))


def answers(host: str, port: int, path: str) -> bool:
    """Whether a web server answers there, with whatever status. Asks no proxy."""
    with closing(http.client.HTTPConnection(LOCAL_NAME.get(host, host), port, timeout=1)) as client:
        try:
            client.request("GET", path)
            client.getresponse()
        except (OSError, http.client.HTTPException):
            return False
    return True
