"""How a reply goes over the wire, the broken ways included."""

import socket
import struct
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

from dispatch.tiktok.sandbox.exchange import Reply, Send, Wait

ENDLESS = b" " * 65536


def send_whole(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    send_head(handler, reply, len(reply.body))
    if handler.command != "HEAD":
        handler.wfile.write(reply.body)


def send_head(handler: BaseHTTPRequestHandler, reply: Reply, length: int | None) -> None:
    handler.send_response(reply.status)
    handler.send_header("Content-Type", reply.content_type)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    if length is not None and reply.status != 204:
        handler.send_header("Content-Length", str(length))
    if handler.close_connection:
        handler.send_header("Connection", "close")
    handler.end_headers()


def truncated(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    handler.close_connection = True
    send_head(handler, reply, len(reply.body) + 100)
    handler.wfile.write(reply.body)


def endless(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    handler.close_connection = True
    send_head(handler, reply, None)
    while True:
        handler.wfile.write(ENDLESS)


def reset(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    """With a linger time of zero the system sends RST instead of a friendly end."""
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def silent(wait: Wait, seconds: float) -> Send:
    def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.close_connection = True
        wait(seconds)

    return send


def late(wait: Wait, seconds: float) -> Send:
    def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        wait(seconds)
        send_whole(handler, reply)

    return send


def dripping(wait: Wait, seconds: float) -> Send:
    """The head at once, the body byte by byte: no read ever times out, only a total deadline helps."""

    def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        send_head(handler, reply, len(reply.body))
        handler.wfile.flush()
        _drip(handler, reply.body, wait, seconds)

    return send


def dripping_headers(wait: Wait, seconds: float) -> Send:
    def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.close_connection = True
        head = f"HTTP/1.1 {reply.status} OK\r\nContent-Length: {len(reply.body)}\r\n\r\n"
        _drip(handler, head.encode() + reply.body, wait, seconds)

    return send


def _drip(handler: BaseHTTPRequestHandler, data: bytes, wait: Wait, seconds: float) -> None:
    for byte in _bytes(data):
        handler.wfile.write(byte)
        handler.wfile.flush()
        if wait(seconds):
            return


def _bytes(data: bytes) -> Iterator[bytes]:
    return (data[index : index + 1] for index in range(len(data)))
