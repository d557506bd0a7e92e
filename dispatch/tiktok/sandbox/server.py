"""The HTTP server around the sandbox's state."""

import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dispatch.tiktok.sandbox import browser, control, events_api, guard, pages, wire
from dispatch.tiktok.sandbox.exchange import Reply, Request, json_reply
from dispatch.tiktok.sandbox.state import State

LARGEST_BODY = 32 * 1024 * 1024
"""Larger bodies are not read at all, so not refused in TikTok's own form either."""

UNREADABLE = Reply(400, b"unreadable body", "text/plain")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], state: State) -> None:
        self.state = state
        self._open: set[socket.socket] = set()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Handler)

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


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "TikTokSandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet

    def answer(self) -> None:
        request = self._read()
        reply = UNREADABLE if request is None else route(self.server.state, request)
        (reply.send or wire.send_whole)(self, reply)

    do_GET = do_POST = do_HEAD = do_OPTIONS = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

    def _read(self) -> Request | None:
        """None for a body that cannot be read; the connection is of no more use then."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            return None
        body = self.rfile.read(int(length))
        path, _, query = self.path.partition("?")
        return Request(self.command, path, query, dict(self.headers.items()), body, self.client_address[0])

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: `/requests` shows what came."""


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
