"""The HTTP server around the sandbox's state."""

import socket
import socketserver
import sys
from http.server import ThreadingHTTPServer
from typing import Any

from dispatch.tiktok.sandbox import browser, control, events_api, guard, pages
from dispatch.tiktok.sandbox.connection import Connection
from dispatch.tiktok.sandbox.exchange import Reply, Request, json_reply
from dispatch.tiktok.sandbox.state import State


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], state: State) -> None:
        self.state = state
        self._open: set[socket.socket] = set()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Visit)

    def server_bind(self) -> None:
        """Without HTTPServer's reverse DNS look-up, which can hang for seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is everyday; anything else is a bug of the sandbox and must be seen."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):
            super().shutdown_request(connection)


class Visit(Connection):
    server: Server

    def answer(self, request: Request) -> Reply:
        return route(self.server.state, request)


def route(state: State, request: Request) -> Reply:
    if request.path.startswith("/open_api/"):
        return events_api.answer(state, request)
    if request.path == browser.SCRIPT_PATH:
        return browser.script()
    if request.path == browser.TRACK_PATH and request.method in ("POST", "OPTIONS"):
        return browser.track(state, request)
    if request.path == "/healthz":
        return json_reply({"status": "ok"})
    if not guard.is_known_host(state, request):
        return json_reply({"error": "unknown Host; start the sandbox with --allowed-host"}, 403)
    if request.path.startswith(control.PREFIX):
        return control.answer(state, request)
    return pages.answer(state, request)
