"""Starting a child again when it ends."""

import time
from collections.abc import Callable

from trackingsite.supervision.child import Child

PAUSES = (0.5, 1.0, 2.0, 4.0)
HEALTHY_AFTER_SECONDS = 30.0


class Keeper:
    """Keeps one child running. The pause before it is started again grows while it keeps ending soon by itself.

    Whoever is killed is started again at once: that says nothing of what it would have done.
    """

    def __init__(self, child: Child, clock: Callable[[], float] = time.monotonic) -> None:
        self.child = child
        self.failures = 0
        self._clock = clock
        self._started_at = 0.0
        self._start_at: float | None = None

    def start(self) -> None:
        self.child.start()
        self._started_at = self._clock()
        self._start_at = None

    def tend(self) -> str:
        """Look after the child, to be called about every second. Returns a line to tell when it has ended."""
        if self._start_at is None:
            self.child.resume()
            return "" if self.child.is_running else self.clear_up()
        if self._clock() >= self._start_at:
            self.start()
        return ""

    def clear_up(self) -> str:
        """End what is left of its group and choose when to start it again. Returns the line to tell."""
        status = self.child.kill()
        now = self._clock()
        if now - self._started_at >= HEALTHY_AFTER_SECONDS:
            self.failures = 0
        self.failures += 1 if status >= 0 else 0
        pause = PAUSES[min(max(self.failures, 1), len(PAUSES)) - 1]
        self._start_at = now + pause
        return f"{self.child.name} ended {how(status)}; starting it again in {pause:g} s."


def how(status: int) -> str:
    return f"by signal {-status}" if status < 0 else f"with exit code {status}"
