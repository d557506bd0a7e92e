"""The sandbox as Python code uses it: start, ask, set, stop."""

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Self

from dispatch.tiktok.sandbox import queries
from dispatch.tiktok.sandbox.database import Database
from dispatch.tiktok.sandbox.modes import parse_mode
from dispatch.tiktok.sandbox.server import Server
from dispatch.tiktok.sandbox.state import State
from dispatch.tiktok.sandbox.tokens import Tokens


class Sandbox:
    """Listens as soon as it is made; answers while `serve` runs, or inside `running`."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        state: str = ":memory:",
        accept_any_token: bool = False,
        allowed_hosts: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        database = Database(state)
        tokens = Tokens(database, accept_any=accept_any_token)
        self._state = State(database, tokens, clock, frozenset(allowed_hosts))
        self._server = Server((host, port), self._state)

    @classmethod
    @contextmanager
    def running(cls, host: str = "127.0.0.1", port: int = 0, **options: Any) -> Iterator[Self]:
        sandbox = cls(host, port, **options)
        thread = threading.Thread(target=sandbox.serve, name="tiktok-sandbox", daemon=True)
        thread.start()
        try:
            yield sandbox
        finally:
            sandbox.stop()
            thread.join()
            sandbox.close()

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.01)

    def stop(self) -> None:
        """End `serve`, from another thread; whoever waits inside a failure mode is let go."""
        self._state.stopping.set()
        self._server.shutdown()

    def close(self) -> None:
        self._state.stopping.set()
        self._server.server_close()
        self._state.database.close()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def register_token(self, pixel_code: str, token: str, state: str = "active") -> None:
        self._state.tokens.register(pixel_code, token, state)

    def set_mode(self, mode: str, **settings: Any) -> None:
        """Settings: `count`, `seconds`, `pixel_code`, `code`, `status`, `event_id`, `variant`; see `Mode`."""
        self._state.modes.set(parse_mode({"mode": mode, **settings}))

    def events(self, **wanted: Any) -> list[dict[str, Any]]:
        """Copies of events, oldest first; narrow them by event_id, event, pixel_code or leg."""
        return queries.copies(self._state.database, **wanted)

    def requests(self) -> list[dict[str, Any]]:
        return queries.requests(self._state.database)

    def summary(self) -> dict[str, Any]:
        return queries.summary(self._state.database)

    def reset(self) -> None:
        """Forget what arrived and behave again; tokens stay."""
        queries.clear(self._state.database)
        self.set_mode("ok")
