"""HTTP/1.1 on one connection. The standard library's handler parses headers as e-mail, at twice the time."""

import http
import socketserver

from dispatch.tiktok.sandbox.exchange import Reply, Request

LARGEST_BODY = 32 * 1024 * 1024
"""Larger bodies are not read at all, so not refused in TikTok's own form either."""

LONGEST_LINE = 65536
MOST_HEADERS = 100
UNREADABLE = Reply(400, b"unreadable request", "text/plain")
REASONS = {status.value: status.phrase for status in http.HTTPStatus}


class UnreadableError(Exception):
    """The request has broken off or can't be told from the next one; the connection is of no more use."""


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet

    is_closing = False
    is_head = False

    def handle(self) -> None:
        while not self.is_closing:
            self._answer_next()
            self.wfile.flush()

    def _answer_next(self) -> None:
        try:
            request = self._read_request()
        except UnreadableError:
            self.is_closing = True
            self.write(UNREADABLE, len(UNREADABLE.body))
            return
        if request is not None:
            reply = self.answer(request)
            (reply.send or send_whole)(self, reply)

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def _read_request(self) -> Request | None:
        """None when the client has hung up between two requests."""
        line = self.rfile.readline(LONGEST_LINE)
        if not line:
            self.is_closing = True
            return None
        method, path, query = self._parse_first_line(line)
        headers = self._read_headers()
        self.is_closing = headers.get("connection", "").lower() == "close"
        self.is_head = method == "HEAD"
        body = self._read_body(headers)
        return Request(method, path, query, headers, body, self.client_address[0])

    def _parse_first_line(self, line: bytes) -> tuple[str, str, str]:
        parts = line.decode("latin-1").split()
        if len(parts) != 3 or parts[2] != "HTTP/1.1":
            raise UnreadableError
        path, _, query = parts[1].partition("?")
        return parts[0], path, query

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(MOST_HEADERS):
            line = self.rfile.readline(LONGEST_LINE)
            if line in (b"\r\n", b"\n"):
                return headers
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        raise UnreadableError

    def _read_body(self, headers: dict[str, str]) -> bytes:
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal() or int(length) > LARGEST_BODY:
            raise UnreadableError
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise UnreadableError
        return body

    def write(self, reply: Reply, length: int | None) -> None:
        """The head and the body; `length` is what the head says of the body, if anything."""
        headers = {"Content-Type": reply.content_type, **reply.headers}
        if length is not None and reply.status != 204:
            headers["Content-Length"] = str(length)
        if self.is_closing:
            headers["Connection"] = "close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.wfile.write(f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, '')}\r\n{lines}\r\n".encode())
        if not self.is_head:
            self.wfile.write(reply.body)


def send_whole(connection: Connection, reply: Reply) -> None:
    connection.write(reply, len(reply.body))
