"""Seats for tasks of one kind: how many workers of a host may be busy with it, so that others stay free."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


@contextmanager
def seat(kind: str, seats: int) -> Iterator[bool]:
    """Whether this process may do such a task now.

    The lock is the kernel's and goes with the process, however that ends.
    """
    settings.STATE_DIR.mkdir(parents=True, exist_ok=True)
    for number in range(seats):
        with (settings.STATE_DIR / f"{kind}-{number}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield True
            return
    yield False
