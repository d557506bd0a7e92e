import threading
import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from conversions import wake
from conversions.wake import ENOUGH_WAITING, Waker, enqueue

pytestmark = pytest.mark.wakes
TASK = "conversions.tasks.digest"


@pytest.fixture
def queued(monkeypatch) -> Iterator[list[str]]:
    """The tasks that wakers queue; their threads are gone when the test is."""
    tasks: list[str] = []
    monkeypatch.setattr(wake, "enqueue", tasks.append)
    monkeypatch.setattr(wake, "IDLE_SECONDS", 0.3)
    yield tasks
    for thread in threading.enumerate():
        if thread.name.startswith("wake "):
            thread.join()


def wait_for(condition) -> bool:
    ends_at = time.monotonic() + 5
    while not condition() and time.monotonic() < ends_at:
        time.sleep(0.01)
    return condition()


def test_a_burst_ends_in_few_wake_ups_and_the_last_one_comes_after_it(queued):
    waker = Waker(TASK)

    for _ in range(1000):
        waker.ask()
    wait_for(lambda: not waker.asked.is_set())

    assert 1 <= len(queued) <= 3
    assert not waker.asked.is_set()


def test_asking_again_after_a_pause_wakes_again(queued):
    waker = Waker(TASK)

    waker.ask()
    assert wait_for(lambda: len(queued) == 1)
    waker.ask()

    assert wait_for(lambda: len(queued) == 2)


def test_many_threads_start_one_waker_thread(queued):
    waker = Waker("a.task.of.this.test")

    threads = [threading.Thread(target=waker.ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [t.name for t in threading.enumerate()].count("wake a.task.of.this.test") == 1


@pytest.mark.django_db
def test_a_full_queue_gets_no_further_wake_up():
    results = [enqueue(TASK) for _ in range(ENOUGH_WAITING + 1)]

    assert results == [True] * ENOUGH_WAITING + [False]
    assert OrmQ.objects.count() == ENOUGH_WAITING


@pytest.mark.django_db
def test_a_broker_that_is_away_is_no_error_and_is_told_once(monkeypatch, caplog):
    def broken(*args, **kwargs):
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(wake, "async_task", broken)
        assert [enqueue(TASK), enqueue(TASK)] == [False, False]

    assert enqueue(TASK)
    assert caplog.messages == ["Could not wake the workers (OperationalError); the pulse will."]
