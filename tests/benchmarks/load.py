"""A client that costs the machine little: raw requests over kept connections, a few of them in each process."""

import selectors
import socket
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pool

PROCESSES = 2
CONNECTIONS = 8
"""Of each process; together two for each thread of the server."""


def storm(requests: list[bytes], port: int, status: bytes = b"200") -> tuple[float, list[float]]:
    """Send all of them; requests per second, and the seconds that each took. Raises RuntimeError for another status."""
    parts = [(requests[number::PROCESSES], port, status) for number in range(PROCESSES)]
    with Pool(PROCESSES) as pool:
        pool.map(time.sleep, [0.05] * PROCESSES)  # they are there when the clock starts
        started = time.perf_counter()
        times = [seconds for part in pool.starmap(send, parts) for seconds in part]
        return len(requests) / (time.perf_counter() - started), times


def send(requests: list[bytes], port: int, status: bytes) -> list[float]:
    """One process's part."""
    waiting, times = iter(requests), []
    with selectors.DefaultSelector() as selector:
        for _ in range(min(CONNECTIONS, len(requests))):
            peer = socket.create_connection(("127.0.0.1", port))
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(peer, selectors.EVENT_READ, next_turn(peer, waiting, b"HTTP/1.1 " + status))
        while len(times) < len(requests):
            for key, _ in selector.select():
                times += key.data()
    return times


def next_turn(peer: socket.socket, waiting: Iterator[bytes], good: bytes) -> Callable[[], list[float]]:
    """What to do when this connection has something to read, after sending the first request."""
    answer = bytearray()
    sent_at = 0.0

    def send_next() -> None:
        nonlocal sent_at
        request = next(waiting, b"")
        sent_at = time.perf_counter()
        peer.sendall(request)

    def read() -> list[float]:
        answer.extend(peer.recv(65536))
        if not is_whole(answer):
            return []
        if not answer.startswith(good):
            raise RuntimeError(f"not what was wanted: {bytes(answer[:200])!r}")
        took = time.perf_counter() - sent_at
        answer.clear()
        send_next()
        return [took]

    send_next()
    return read


def is_whole(answer: bytearray) -> bool:
    """Whether nothing more will come: as many bytes as were announced, or the last chunk."""
    head, end, body = answer.lower().partition(b"\r\n\r\n")
    _, is_sized, length = head.partition(b"content-length:")
    if not is_sized:
        return body.endswith(b"0\r\n\r\n")
    return bool(end) and len(body) >= int(length.partition(b"\r\n")[0])
