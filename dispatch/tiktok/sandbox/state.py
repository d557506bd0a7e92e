"""Everything that a running sandbox knows, without the server around it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dispatch.tiktok.sandbox.database import Database
from dispatch.tiktok.sandbox.modes import Modes
from dispatch.tiktok.sandbox.tokens import Tokens


@dataclass
class State:
    database: Database
    tokens: Tokens
    clock: Callable[[], float]
    allowed_hosts: frozenset[str] = frozenset()
    modes: Modes = field(default_factory=Modes)
    stopping: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float) -> bool:
        """Sleep; True when the sandbox ended meanwhile."""
        return self.stopping.wait(seconds)
