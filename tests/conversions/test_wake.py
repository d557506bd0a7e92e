import threading
import time

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from conversions import wake
from conversions.wake import ENOUGH_WAITING, Waker, enqueue

TASK = "conversions.tasks.digest"


def count_enqueued(monkeypatch) -> list[str]:
    queued: list[str] = []
    monkeypatch.setattr(wake, "enqueue", queued.append)
    return queued


def wait_for(condition) -> bool:
    ends_at = time.monotonic() + 5
    while not condition() and time.monotonic() < ends_at:
        time.sleep(0.01)
    return condition()


def test_a_burst_ends_in_few_wake_ups_and_the_last_one_comes_after_it(monkeypatch):
    queued = count_enqueued(monkeypatch)
    waker = Waker(TASK)

    for _ in range(1000):
        waker.ask()
    wait_for(lambda: not waker.asked.is_set())

    assert 1 <= len(queued) <= 3
    assert not waker.asked.is_set()


def test_asking_again_after_a_pause_wakes_again(monkeypatch):
    queued = count_enqueued(monkeypatch)
    waker = Waker(TASK)

    waker.ask()
    assert wait_for(lambda: len(queued) == 1)
    waker.ask()

    assert wait_for(lambda: len(queued) == 2)


def test_many_threads_start_one_waker_thread(monkeypatch):
    count_enqueued(monkeypatch)
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
def test_a_broker_that_is_away_is_no_error(monkeypatch):
    def broken(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(wake, "async_task", broken)

    assert enqueue(TASK) is False
