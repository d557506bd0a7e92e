"""The fastest TikTok that Python allows: takes any request and says OK, at once or after a delay.

The strict sandbox costs more than the sender itself, so it would flatter a comparison. Run as a process of its own:
`python -m tests.benchmarks.peer <port> <delay in ms>`.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.postgresql import free_port

ANSWER = b'{"code":0,"message":"OK","request_id":"bench","data":{}}'
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)


class Peer(asyncio.Protocol):
    """One kept connection: reads requests with a Content-Length, answers each."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.buffer = bytearray()
        self.missing = -1  # bytes of the running request's body; -1 while its head is incomplete

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self.take_request():
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.answer)
            else:
                self.answer()

    def take_request(self) -> bool:
        if self.missing < 0:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return False
            self.missing = length_of(bytes(self.buffer[:end]).lower())
            del self.buffer[: end + 4]
        if len(self.buffer) < self.missing:
            return False
        del self.buffer[: self.missing]
        self.missing = -1
        return True

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(RESPONSE)


def length_of(head: bytes) -> int:
    return int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)


async def serve(port: int, delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Peer(delay), "127.0.0.1", port)
    await server.serve_forever()


@contextmanager
def running(delay_ms: float = 0) -> Iterator[str]:
    """The address of a peer in a process of its own."""
    with listening("-m", "tests.benchmarks.peer", "{port}", str(delay_ms)) as url:
        yield url


@contextmanager
def sandbox() -> Iterator[str]:
    """The address of the strict sandbox in a process of its own."""
    with listening("manage.py", "tiktok_sandbox", "--port", "{port}", "--accept-any-token") as url:
        yield url


@contextmanager
def listening(*command: str) -> Iterator[str]:
    port = str(free_port())
    arguments = [part.format(port=port) for part in command]
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url)
        yield url
    finally:
        process.kill()
        process.wait()


def wait_until_up(url: str) -> None:
    for _ in range(200):
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the peer did not start")


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
