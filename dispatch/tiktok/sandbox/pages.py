from dispatch.tiktok.sandbox.exchange import Reply, Request
from dispatch.tiktok.sandbox.state import State


def answer(state: State, request: Request) -> Reply:
    return Reply(404, b"", "text/plain")
