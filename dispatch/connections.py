"""Connections to others that end in time: a total deadline, and sessions whose connections are of a kind of our own."""

import contextlib
import socket
import threading
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection


class Deadline:
    """Cuts this thread's request after so many seconds, whatever the peer is doing.

    A read timeout alone would start anew with every byte that drips in.
    """

    local = threading.local()

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self.sock: socket.socket | None = None
        self.timer = threading.Timer(seconds, self.cut)
        self.timer.daemon = True

    def __enter__(self) -> "Deadline":
        self.local.current = self
        self.timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.timer.cancel()
        self.local.current = None

    def cut(self) -> None:
        self.passed = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    @classmethod
    def watch(cls, sock: Any) -> None:
        """Have the running deadline of this thread cut `sock`."""
        current = getattr(cls.local, "current", None)
        if current is not None:
            current.sock = sock
            if current.passed:
                current.cut()  # looking the name up or connecting took all the time


class Cuttable:
    """A connection that tells the running deadline which socket it uses, kept open or new."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        Deadline.watch(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        Deadline.watch(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]


class OwnConnections(HTTPAdapter):
    """An adapter whose pools make connections of a kind, and repeat nothing."""

    def __init__(self, kind: type, **options: Any) -> None:
        self._pools = {
            "http": pool(urllib3.HTTPConnectionPool, kind, HTTPConnection),
            "https": pool(urllib3.HTTPSConnectionPool, kind, HTTPSConnection),
        }
        super().__init__(max_retries=0, **options)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools


def pool(base: type, kind: type, connection: type) -> type:
    own = type(f"{kind.__name__}{connection.__name__}", (kind, connection), {})
    return type(f"{kind.__name__}{base.__name__}", (base,), {"ConnectionCls": own})


def session_over(kind: type, **options: Any) -> requests.Session:
    """A session over connections of this kind, without retries of its own, and with nothing from proxies or netrc."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", OwnConnections(kind, **options))
    session.mount("https://", OwnConnections(kind, **options))
    return session
