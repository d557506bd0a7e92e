"""Several children under one parent that shows what they say."""

import select
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from trackingsite.supervision.child import Child, end_all
from trackingsite.supervision.keeper import Keeper
from trackingsite.supervision.stop import StopSignal
from trackingsite.supervision.tap import Tap

GRACE_SECONDS = 10.0
TURN_SECONDS = 0.2
MOST_FAILURES = 5


class GaveUpError(Exception):
    """A child could not be kept running."""


class Crew:
    """Keeps its children running inside a `with` block; none outlives the block, however it is left."""

    def __init__(
        self, children: Iterable[Child], *, logs: Path, write: Callable[[str], None], stop: StopSignal
    ) -> None:
        self.keepers = [Keeper(child) for child in children]
        self._taps = [Tap(keeper.child, logs, write) for keeper in self.keepers]
        self._write = write
        self._stop = stop
        self.is_settled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in end_all(
            [keeper.child for keeper in self.keepers],
            grace=GRACE_SECONDS,
            hurry=lambda: self._stop.urgent,
            meanwhile=self._drain,
        ):
            self._write(f"{name} did not stop when asked and was killed.")
        for tap in self._taps:
            tap.close()

    def start(self) -> None:
        for keeper in self.keepers:
            keeper.start()

    def turn(self) -> None:
        """Pass on what the children say, start again those that have ended.

        Raises GaveUpError for one that can't be started; never once all have worked and `is_settled` says so.
        """
        talking = [tap for tap in self._taps if tap.is_open]
        select.select([*map(Tap.fileno, talking), self._stop.fileno()], [], [], TURN_SECONDS)
        self._drain()
        for keeper, tap in zip(self.keepers, self._taps, strict=True):
            self._tend(keeper, tap)

    def _tend(self, keeper: Keeper, tap: Tap) -> None:
        news = keeper.tend()
        if not news:
            return
        tap.close()
        if keeper.failures >= MOST_FAILURES and not self.is_settled:
            raise GaveUpError(f"{keeper.child.name} ended {keeper.failures} times in a row; its last words: {tap.log}")
        self._write(news)

    def _drain(self) -> None:
        for tap in self._taps:
            tap.drain()
