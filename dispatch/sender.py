"""The sender of a worker: for all pixels at once, with several requests under way, none waiting for a slow one."""

import fcntl
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import connection

from dispatch import clock, planning
from dispatch.models import Lane
from dispatch.sending import Parcel, finish, pack, pixels_with_work, post
from dispatch.tiktok.client import Reply

logger = logging.getLogger(__name__)

TURN_SECONDS = 5.0  # then other tasks' turn, such as the digest's
LOOK_SECONDS = 0.1  # how often a turn looks for pixels that have got something to send, and for conversions to plan
REST_SECONDS = 0.01  # while nothing comes back and nothing may go out
REQUESTS_UNDER_WAY = 16
REQUESTS_OF_A_PIXEL = 4


class Sender:
    """One for a worker process. Rows are claimed and settled in the thread that takes the turn, HTTP happens in others.

    When a turn is over, a request that is still under way is settled by its own thread, so no turn waits for TikTok.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(REQUESTS_UNDER_WAY, thread_name_prefix="tiktok")
        self._under_way: Counter[int] = Counter()
        self._replies: queue.SimpleQueue[tuple[Parcel, Reply, datetime]] = queue.SimpleQueue()
        self._in_turn = False

    def turn(self) -> int:
        """Plan and send what is due, until nothing is or the turn is over; how many deliveries were sent."""
        self._in_turn = True
        try:
            return self._work(time.monotonic() + TURN_SECONDS)
        finally:
            with self._lock:
                self._in_turn = False
            self._settle(wait=0.0)

    def _work(self, ends_at: float) -> int:
        sent, look_at = 0, 0.0
        pixels: set[int] = set()
        while (time_is := time.monotonic()) < ends_at:
            if time_is >= look_at:
                planned = planning.plan(clock.now())
                pixels = set(pixels_with_work(clock.now()).values_list("pk", flat=True))
                look_at = time_is + LOOK_SECONDS
                if not planned and not pixels and not self._under_way.total():
                    break
            started = self._start_some(pixels)
            sent += started
            self._settle(wait=0.0 if started else REST_SECONDS)
        return sent

    def _start_some(self, pixels: set[int]) -> int:
        """The next requests of every pixel that may have some; how many deliveries they hold."""
        return sum(self._start(pixel_id, pixels) for pixel_id in list(pixels))

    def _start(self, pixel_id: int, pixels: set[int]) -> int:
        """A pixel with nothing to send leaves `pixels` until the next look."""
        under_way = self._under_way[pixel_id]
        room = min(REQUESTS_OF_A_PIXEL - under_way, REQUESTS_UNDER_WAY - self._under_way.total())
        lane, now = Lane.objects.of(pixel_id) if room > 0 else None, clock.now()
        if lane is None or (under_way and lane.is_troubled):
            return 0
        requests = lane.requests_now(now, room)
        if not requests:
            return 0
        parcels = pack(lane, requests, now, make_way=self._clear)
        for parcel in parcels:
            with self._lock:
                self._under_way[pixel_id] += 1
            self._pool.submit(self._carry, parcel)
            if parcel.is_on_trial:
                self._clear()
        if not parcels:
            pixels.discard(pixel_id)
        return sum(len(parcel.shipments) for parcel in parcels)

    def _clear(self) -> bool:
        """Wait until nothing is under way, but not for what hangs; whether nothing is."""
        ends_at = time.monotonic() + 2 * settings.TIKTOK_DEADLINE_SECONDS
        while self._under_way.total() and time.monotonic() < ends_at:
            self._settle(wait=REST_SECONDS)
        return not self._under_way.total()

    def _carry(self, parcel: Parcel) -> None:
        try:
            reply, started_at = post(parcel)
        except Exception:  # a fault of ours: the lease runs out and the sweep takes the deliveries back
            logger.exception("A request could not be made")
            self._land(parcel)
            return
        with self._lock:
            if self._in_turn:
                self._replies.put((parcel, reply, started_at))
                return
        try:
            self._finish(parcel, reply, started_at)
        finally:
            connection.close()

    def _settle(self, wait: float) -> None:
        """Settle every reply that is there, and wait so many seconds for the first one."""
        try:
            while True:
                self._finish(*self._replies.get(block=wait > 0, timeout=wait))
                wait = 0.0
        except queue.Empty:
            pass

    def _finish(self, parcel: Parcel, reply: Reply, started_at: datetime) -> None:
        try:
            finish(parcel, reply, started_at)
        finally:
            self._land(parcel)

    def _land(self, parcel: Parcel) -> None:
        with self._lock:
            self._under_way[parcel.lane.pixel_id] -= 1


@contextmanager
def seat() -> Iterator[bool]:
    """Whether this process may send now: one worker of a host stays free for other tasks, such as the digest.

    The lock is the kernel's and goes with the process, however that ends.
    """
    settings.STATE_DIR.mkdir(parents=True, exist_ok=True)
    for number in range(max(1, settings.WORKERS - 1)):
        with (settings.STATE_DIR / f"sender-{number}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield True
            return
    yield False


@cache
def sender() -> Sender:
    """This process's sender; made after the fork, as threads don't live through one."""
    return Sender()
