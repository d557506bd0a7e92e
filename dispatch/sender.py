"""The sender of a worker: for all pixels at once, with several requests under way, none waiting for a slow one."""

import logging
import queue
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache, partial

from django.db import connection

from dispatch import clock, planning
from dispatch.models import Lane
from dispatch.sending import Parcel, finish, pack, patience_seconds, pixels_with_work, post
from dispatch.tiktok import client
from dispatch.tiktok.client import Reply

logger = logging.getLogger(__name__)

TURN_SECONDS = 5.0  # then other tasks' turn, such as the digest's
LOOK_SECONDS = 0.1  # how often a turn looks for pixels that have got something to send, and for conversions to plan
REST_SECONDS = 0.01  # while nothing comes back and nothing may go out
REQUESTS_UNDER_WAY = client.CONNECTIONS
REQUESTS_OF_A_PIXEL = 2  # so that one more is under way, at most, when the first one finds the credential refused
NEXT_TRIAL = timedelta(seconds=10)


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
        self._patient_until = 0.0
        self._ready_at: dict[int, float] = {}
        self._quiet_for: int | None = None
        self._tried = False

    @staticmethod
    def is_stopping() -> bool:
        """Whether this process has been told to end; whoever runs it replaces this."""
        return False

    def turn(self) -> int:
        """Plan and send what is due, until nothing is or the turn is over; how many deliveries were sent."""
        self._in_turn, self._quiet_for, self._tried = True, None, False
        self._patient_until = time.monotonic() + patience_seconds()
        try:
            return self._work(time.monotonic() + TURN_SECONDS)
        finally:
            with self._lock:
                self._in_turn = False
            self._settle(wait=0.0)

    def _work(self, ends_at: float) -> int:
        sent, look_at, looks = 0, 0.0, 0
        while (now := time.monotonic()) < ends_at and not self.is_stopping():
            if now >= look_at:
                planned = planning.plan(clock.now(), newest_first=looks % 2 == 1)
                looks += 1
                due = pixels_with_work(clock.now()).values_list("pk", flat=True)
                self._ready_at = dict.fromkeys(due, 0.0)
                look_at = now + LOOK_SECONDS
                if not planned and not self._ready_at and not self._under_way.total():
                    break
            started = sum(self._start(pixel_id) for pixel_id in self._candidates(now))
            sent += started
            self._settle(wait=0.0 if started else REST_SECONDS)
        return sent

    def _candidates(self, now: float) -> list[int]:
        """The pixels to ask next, those with the fewest requests under way first; one alone while it has a trial."""
        if self._quiet_for is not None and self._under_way.total():
            return []
        if self._quiet_for is not None and not self._tried:
            return [self._quiet_for]
        self._quiet_for = None
        ready = [pixel_id for pixel_id, at in self._ready_at.items() if at <= now]
        random.shuffle(ready)
        return sorted(ready, key=self._under_way.__getitem__)

    def _start(self, pixel_id: int) -> int:
        """The next requests of a pixel, if it may have some; how many deliveries they hold."""
        under_way, asked_for_quiet = self._under_way[pixel_id], self._quiet_for == pixel_id
        room = min(self._share() - under_way, REQUESTS_UNDER_WAY - self._under_way.total())
        if room <= 0 or self._quiet_for not in (None, pixel_id):
            return 0
        lane, now = Lane.objects.of(pixel_id), clock.now()
        requests = lane.requests_now(now, room)
        if not requests or (under_way and lane.is_troubled):
            self._ready_at[pixel_id] = time.monotonic() + lane.seconds_to_wait(now)
            return 0
        parcels = pack(lane, requests, now, partial(self._try, pixel_id))
        for parcel in parcels:
            with self._lock:
                self._under_way[pixel_id] += 1
            self._pool.submit(self._carry, parcel)
        if not parcels:
            self._ready_at.pop(pixel_id, None)  # until the next look
            self._quiet_for = None if asked_for_quiet else self._quiet_for
        return sum(len(parcel.shipments) for parcel in parcels)

    def _share(self) -> int:
        """How many requests of one pixel may be under way, so that each one that has work can have its own."""
        return max(1, min(REQUESTS_OF_A_PIXEL, REQUESTS_UNDER_WAY // max(1, len(self._ready_at))))

    def _try(self, pixel_id: int) -> timedelta | None:
        """How long what is on trial has to wait; None when it may go, alone. One trial a turn, or others would wait."""
        if self._tried:
            return NEXT_TRIAL
        self._quiet_for = pixel_id
        if self._under_way.total():
            return timedelta(0)
        self._tried = True
        return None

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
        """One reply that can't be settled costs its lease, and not the other replies their settling."""
        try:
            patient_until = self._patient_until if self._in_turn else time.monotonic() + patience_seconds()
            finish(parcel, reply, started_at, patient_until)
        except Exception:
            logger.exception("A reply could not be settled; its deliveries come again when their lease is over")
        finally:
            self._land(parcel)

    def _land(self, parcel: Parcel) -> None:
        with self._lock:
            self._under_way[parcel.lane.pixel_id] -= 1


@cache
def sender() -> Sender:
    """This process's sender; made after the fork, as threads don't live through one."""
    return Sender()
