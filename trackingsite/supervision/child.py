"""One child process and everything it starts."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import IO

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
LOOK_EVERY_SECONDS = 0.05


class Child:
    """A process in a session of its own: what it starts can be found, and ended, as one group."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        output: int | None = None,
        when_orphaned: int = signal.SIGTERM,
    ) -> None:
        self.name = name
        self._command = list(command)
        self._when_orphaned = when_orphaned
        self._env = env
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. The caller's other threads must do nothing meanwhile, because of the work between fork and exec."""
        self._process = subprocess.Popen(  # noqa: S603 - the commands are ours
            self._command,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT if self._output else None,
            start_new_session=True,
            preexec_fn=end_with_parent(os.getpid(), self._when_orphaned),
        )

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def stdout(self) -> IO[bytes] | None:
        return self._process.stdout if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def terminate(self) -> None:
        """Ask the process itself, not its group: it knows in which order to end its own children."""
        if self._process:
            self._process.terminate()

    def resume(self) -> None:
        """Have everything in its group go on that somebody stopped (SIGSTOP); nothing else notices."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGCONT)

    def kill(self) -> int:
        """End whatever is left of the group at once. Returns how the process itself ended."""
        if not self._process:
            return 0
        with suppress(ProcessLookupError):  # nothing was left
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()


def end_with_parent(parent: int, number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """What a child does before exec to get a signal when its parent dies, even of SIGKILL (on Linux)."""
    if LIBC is None:
        return None
    prctl = LIBC.prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def end_with(parent: int) -> None:
    """Have this very process asked to end when its parent dies (on Linux)."""
    ask = end_with_parent(parent)
    if ask:
        ask()


def tie_to_parents() -> None:
    """Have every process that is forked from here on, and all that those fork, die with its parent (on Linux)."""
    parents = [os.getpid()]

    def remember() -> None:
        parents[0] = os.getpid()

    def tie() -> None:
        ask = end_with_parent(parents[0], signal.SIGKILL)
        if ask:
            ask()

    os.register_at_fork(before=remember, after_in_child=tie)


def end_all(
    children: Iterable[Child],
    *,
    grace: float,
    hurry: Callable[[], bool] = lambda: False,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[str]:
    """End every child with its group: ask, wait up to `grace` seconds, kill. Returns who had to be killed."""
    children = list(children)
    for child in children:
        child.terminate()
    deadline = time.monotonic() + grace
    while any(child.is_running for child in children) and time.monotonic() < deadline and not hurry():
        meanwhile()
        time.sleep(LOOK_EVERY_SECONDS)
    unwilling = [child.name for child in children if child.is_running]
    for child in children:
        child.kill()
    return unwilling
