"""What is done to a site and to TikTok, in an order that a seed decides, and a log of it."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import Error, connection, transaction
from django.utils import timezone

from dispatch.models import Delivery, Lane
from dispatch.tiktok.codes import CODES, Verdict
from dispatch.tiktok.sandbox import Sandbox
from dispatch.tiktok.sandbox.modes import NAMES
from offers.models import Pixel
from tests.faults.hosts import alive, wait_for
from tests.faults.ledger import Fault
from tests.faults.servers import MortalPostgreSQL
from tests.faults.site import Site

WORKERS = 3  # of which two send
PLACES = {"parent": 0, "sentinel": 1, "worker": 2, "monitor": -2, "pusher": -1}
"""Where the processes of a cluster stand among those of their host, in the order in which they were started."""
TURN_OF_A_MODE = 0.5
LOCKED_SECONDS = 1.5
FAILING_CODES = [20001, 99999, *(c for c, (v, _) in CODES.items() if v not in (Verdict.ACCEPTED, Verdict.AUTH))]
SETTINGS: dict[str, dict[str, Any]] = {
    "delay": {"seconds": 3.0},
    "timeout": {"seconds": 3.0},
    "drip": {"seconds": 0.1},
    "drip_headers": {"seconds": 0.1},
    "http_429": {"seconds": 1.0},
}
"""Of the modes that wait; those that hide their answer wait for longer than the sender's deadline of two seconds."""


class Diary(list[str]):
    """What was done and when, for whoever has to understand a failure."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def note(self, words: str) -> None:
        self.append(f"{time.monotonic() - self._began:7.2f} s  {words}")


class Weather:
    """TikTok's moods: each failure mode in turn for all pixels, and now and then another one for a single pixel."""

    def __init__(self, sandbox: Sandbox, chance: random.Random, diary: Diary) -> None:
        self._sandbox, self._chance, self._diary = sandbox, chance, diary
        self._turns = iter(chance.sample(NAMES, len(NAMES)))
        self._mode, self._since = "", 0.0

    def tick(self) -> bool:
        """Go on to the next mode once somebody has met the present one; False when all have had their turn."""
        if self._mode and (time.time() - self._since < TURN_OF_A_MODE or not self._was_met()):
            return True
        self._sandbox.set_mode("ok")
        self._mode, self._since = next(self._turns, ""), time.time()
        if not self._mode:
            return False
        self._play(self._mode)
        if self._chance.random() < 0.5:
            self._play(self._chance.choice(NAMES), self._chance.choice(list(Pixel.objects.all())).code)
        return True

    def _was_met(self) -> bool:
        return any(
            request["mode"] == self._mode and request["received_at"] >= self._since
            for request in self._sandbox.requests()
        )

    def _play(self, mode: str, pixel_code: str = "") -> None:
        settings = dict(SETTINGS.get(mode, {}))
        if mode == "code":
            settings["code"] = self._chance.choice(FAILING_CODES)
        if mode == "reject_event_id":
            settings["event_id"] = self._some_event_id()
        self._sandbox.set_mode(mode, pixel_code=pixel_code, **settings)
        self._diary.note(f"{pixel_code or 'TikTok'} plays {mode} {settings or ''}")

    def _some_event_id(self) -> str:
        waiting = Delivery.objects.filter(status=Delivery.Status.WAITING).values_list("event_id", flat=True)[:100]
        return str(self._chance.choice(waiting)) if waiting else "of-nobody"


@dataclass
class Blows:
    """What is done to the site's processes and to its database: each kind once in a round."""

    site: Site
    chance: random.Random
    database: MortalPostgreSQL | None
    diary: Diary
    log: list[Fault] = field(default_factory=list)

    def kinds(self) -> list[tuple[str, Callable[[], None]]]:
        kills = [(who, lambda place=place: self._kill_in_cluster(place)) for who, place in PLACES.items()]
        outage = ("database", self._crash_database if self.database else self._lock_database)
        return [*kills, outage, ("supervisor", self._kill_supervisor), ("web worker", self._kill_web_worker)]

    def strike(self, kind: str, blow: Callable[[], None]) -> None:
        began = time.time()
        self.diary.note(f"{kind} is struck")
        family = self.site.host.family
        blow()
        if kind not in ("database", "web worker"):
            wait_for(lambda: not alive(family), lambda: self.site.said)
        self.log.append(Fault(kind, began, time.time()))

    def _kill_in_cluster(self, place: int) -> None:
        self.site.host.family[place].send_signal(signal.SIGKILL)

    def _kill_supervisor(self) -> None:
        self.site.host.process.send_signal(signal.SIGKILL)

    def _kill_web_worker(self) -> None:
        self.chance.choice(self.site.web_workers()).send_signal(signal.SIGKILL)

    def _crash_database(self) -> None:
        connection.close()
        self.database.crash()
        time.sleep(self.chance.uniform(0.2, 3))
        self.database.start()

    def _lock_database(self) -> None:
        """SQLite has no server that could be stopped; somebody who keeps its lock is the nearest thing."""
        with transaction.atomic():
            time.sleep(LOCKED_SECONDS)


class Storm:
    """Weather and blows together, until each kind of both has had its turn and the time is up."""

    def __init__(self, site: Site, sandbox: Sandbox, database: MortalPostgreSQL | None, seed: int) -> None:
        self.site, self.sandbox = site, sandbox
        self.chance = random.Random(seed)
        self.diary = Diary()
        self.blows = Blows(site, self.chance, database, self.diary)

    @property
    def log(self) -> list[Fault]:
        return self.blows.log

    def rage(self, seconds: float, at_half_time: Callable[[], None]) -> None:
        ends_at = time.monotonic() + seconds
        self.one_round(at_half_time)
        while time.monotonic() < ends_at:
            self.one_round(lambda: None)

    def one_round(self, at_half_time: Callable[[], None]) -> None:
        """Each mode and each blow once; a blow strikes those who are at work."""
        weather, blows = Weather(self.sandbox, self.chance, self.diary), self.blows.kinds()
        self.chance.shuffle(blows)
        half, pause, since = len(blows) // 2, 0.0, time.time()
        while weather.tick() or blows:
            self.site.tend()
            hurry()
            if blows and self._is_at_work(since, pause):
                self.blows.strike(*blows.pop())
                pause, since = self.chance.uniform(0, 1.5), time.time()
                if len(blows) == half:
                    at_half_time()
                    self.diary.note("half time")
            time.sleep(0.1)

    def _is_at_work(self, since: float, pause: float) -> bool:
        """Whether something was sent since then, and a pause ago at least, and all processes are there."""
        moments = [request["received_at"] for request in self.sandbox.requests()]
        return any(since < moment < time.time() - pause for moment in moments) and self.site.is_whole(WORKERS)


def hurry() -> None:
    """Let an hour pass: retries are due, TikTok has had its rest, breakers may probe, and the pace is whole again."""
    now = timezone.now()
    try:
        Delivery.objects.filter(status=Delivery.Status.WAITING, next_attempt_at__gt=now).update(next_attempt_at=now)
        Lane.objects.filter(rest_until__gt=now).update(rest_until=now)
        Lane.objects.filter(trips__gt=0, probe_at__gt=now).update(probe_at=now)
        Lane.objects.filter(pace__lt=1).update(pace=1, paced_at=None)
        Pixel.objects.filter(resumed_at__isnull=False).update(resumed_at=None)
    except Error:
        connection.close()
