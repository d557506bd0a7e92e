"""The broken ways in which a reply goes over the wire."""

import socket
import struct
from dataclasses import replace

from dispatch.tiktok.sandbox.connection import Connection, send_whole
from dispatch.tiktok.sandbox.exchange import Reply, Send, Wait

ENDLESS = b" " * 65536


def truncated(connection: Connection, reply: Reply) -> None:
    connection.is_closing = True
    connection.write(reply, len(reply.body) + 100)


def endless(connection: Connection, reply: Reply) -> None:
    connection.is_closing = True
    connection.write(reply, None)
    while True:
        connection.wfile.write(ENDLESS)


def reset(connection: Connection, reply: Reply) -> None:
    """With a linger time of zero the system sends RST instead of a friendly end."""
    connection.is_closing = True
    connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.connection.close()


def silent(wait: Wait, seconds: float) -> Send:
    def send(connection: Connection, reply: Reply) -> None:
        connection.is_closing = True
        wait(seconds)

    return send


def late(wait: Wait, seconds: float) -> Send:
    def send(connection: Connection, reply: Reply) -> None:
        wait(seconds)
        send_whole(connection, reply)

    return send


def dripping(wait: Wait, seconds: float) -> Send:
    """The head at once, the body byte by byte: no read ever times out, only a total deadline helps."""

    def send(connection: Connection, reply: Reply) -> None:
        connection.write(replace(reply, body=b""), len(reply.body))
        _drip(connection, reply.body, wait, seconds)

    return send


def dripping_headers(wait: Wait, seconds: float) -> Send:
    def send(connection: Connection, reply: Reply) -> None:
        head = f"HTTP/1.1 {reply.status} OK\r\nContent-Length: {len(reply.body)}\r\n\r\n"
        _drip(connection, head.encode() + reply.body, wait, seconds)

    return send


def _drip(connection: Connection, data: bytes, wait: Wait, seconds: float) -> None:
    for index in range(len(data)):
        connection.wfile.write(data[index : index + 1])
        connection.wfile.flush()
        wait(seconds)
