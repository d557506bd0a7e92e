"""Waking the workers early. The rows are the truth: a wake-up that gets lost costs a second, never a conversion."""

import logging
import threading
from functools import cache

from django.db import Error, close_old_connections
from django_q.brokers import Broker, get_broker
from django_q.tasks import async_task
from redis import RedisError

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.1
LONG_PAUSE_SECONDS = 1.0
"""While enough is waiting anyway, or the queue is away."""
IDLE_SECONDS = 30.0
ENOUGH_WAITING = 10


class Waker:
    """Puts a task on the queue soon, at most once per pause and process; asking costs a request nothing.

    The task is queued by a thread of its own, so that a burst of postbacks ends in one wake-up and a slow broker
    delays no answer.
    """

    def __init__(self, task: str) -> None:
        self.task = task
        self.asked = threading.Event()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def ask(self) -> None:
        """Have the task run soon."""
        self.asked.set()
        if self.thread is None or not self.thread.is_alive():
            self.start()

    def start(self) -> None:
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self.run, daemon=True, name=f"wake {self.task}")
                self.thread.start()

    def run(self) -> None:
        """Queue one task for all who asked, then rest a moment; ends when nobody asks for a while."""
        while self.asked.wait(timeout=IDLE_SECONDS):
            self.asked.clear()
            queued = enqueue(self.task)
            threading.Event().wait(PAUSE_SECONDS if queued else LONG_PAUSE_SECONDS)
        close_old_connections()


def enqueue(task: str, *args: int, enough: int = ENOUGH_WAITING) -> bool:
    """Queue a task by its dotted name unless `enough` are waiting already; False when it was not queued."""
    try:
        queued = put(task, *args, enough=enough)
    except (Error, RedisError) as error:
        if not queue_is_away.is_set():
            logger.warning("Could not wake the workers (%s); the pulse will.", type(error).__name__)
        queue_is_away.set()
        return False
    queue_is_away.clear()
    return queued


def put(task: str, *args: int, enough: int = ENOUGH_WAITING) -> bool:
    """As `enqueue`, for who has to know: raises django.db.Error or RedisError when the queue is away."""
    if queue().queue_size() >= enough:
        return False
    async_task(task, *args, broker=queue())
    return True


@cache
def queue() -> Broker:
    """One for the process, as each has connections of its own to Redis."""
    return get_broker()


DIGEST = "conversions.tasks.digest"
UPLOADS = "conversions.uploads.tasks.bring_in"
digest_soon = Waker(DIGEST)
queue_is_away = threading.Event()
"""Said once, not with every postback."""
