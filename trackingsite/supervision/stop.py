"""Being told to stop."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopSignal:
    """Makes SIGTERM, SIGINT (Ctrl-C) and SIGHUP something to wait for, while the `with` block runs.

    A pipe and not a `threading.Event`, which locks up when a handler sets it in the middle of its `wait()`.
    """

    def __init__(self) -> None:
        self.count = 0
        self._reader, self._writer = os.pipe()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    @property
    def received(self) -> bool:
        return self.count > 0

    @property
    def urgent(self) -> bool:
        """Whoever asked has asked again."""
        return self.count > 1

    def fileno(self) -> int:
        """Readable once a signal has come, for `select`."""
        return self._reader

    def wait(self, seconds: float) -> bool:
        """Whether a signal has come, after at most so many seconds."""
        select.select([self], [], [], seconds)
        return self.received

    def _note(self, signum: int, frame: FrameType | None) -> None:
        if not self.received:
            os.write(self._writer, b".")
        self.count += 1
