"""Our broker on a real Redis, call by call."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django_q.signing import SignedPackage

from conversions import wake
from conversions.wake import ENOUGH_WAITING, enqueue, put
from tests.faults.servers import MortalRedis
from tests.postgresql import free_port
from trackingsite import brokers
from trackingsite.brokers import RedisBroker

TASK = "conversions.tasks.digest"


@pytest.fixture
def queue(redis_server: MortalRedis, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisBroker]:
    """An empty queue in Redis, which is this process's queue meanwhile."""
    settings.REDIS_URL = redis_server.url
    broker = RedisBroker()
    broker.delete_queue()
    monkeypatch.setattr(wake, "queue", lambda: broker)
    yield broker
    broker.delete_queue()


@pytest.fixture
def away(settings: Any, monkeypatch: pytest.MonkeyPatch) -> RedisBroker:
    """A queue in a Redis that nobody runs."""
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    broker = RedisBroker()
    monkeypatch.setattr(wake, "queue", lambda: broker)
    monkeypatch.setattr(brokers, "AWAY_SECONDS", 0.0)
    return broker


def test_what_is_put_on_it_is_taken_once(queue: RedisBroker) -> None:
    put(TASK)

    ((_, payload),) = queue.dequeue()

    assert SignedPackage.loads(payload)["func"] == TASK
    assert queue.queue_size() == 0


def test_it_takes_no_more_wake_ups_than_are_needed(queue: RedisBroker) -> None:
    results = [enqueue(TASK) for _ in range(ENOUGH_WAITING + 5)]

    assert results.count(True) == queue.queue_size() == ENOUGH_WAITING


def test_what_can_not_be_read_is_dropped(queue: RedisBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    put(TASK)

    def gone(payload: object) -> object:
        raise ModuleNotFoundError

    monkeypatch.setattr(SignedPackage, "loads", gone)

    assert queue.dequeue() == []
    assert queue.queue_size() == 0


def test_one_that_is_away_is_an_empty_one_to_workers_and_an_error_to_the_supervisor(away: RedisBroker) -> None:
    assert away.dequeue() == []
    assert enqueue(TASK) is False
    with pytest.raises(redis.RedisError):
        put(TASK)
    with pytest.raises(redis.RedisError):
        away.ping()


def test_nobody_waits_for_one_that_does_not_answer(queue: RedisBroker) -> None:
    options = queue.connection.get_connection_kwargs()

    assert options["socket_connect_timeout"] == brokers.CONNECT_SECONDS
    assert 1 < options["socket_timeout"] == brokers.ANSWER_SECONDS
