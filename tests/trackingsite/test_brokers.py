"""The queue in the database, call by call; the one in Redis is tested on a real Redis, in tests/faults."""

from typing import Any

import pytest
from django.db import OperationalError
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from conversions.wake import put
from trackingsite import brokers
from trackingsite.brokers import DatabaseBroker

pytestmark = pytest.mark.django_db
TASK = "conversions.tasks.digest"


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> DatabaseBroker:
    """A queue that nobody waits for; and a test's connection stays open."""
    monkeypatch.setattr(brokers.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(brokers.connection, "close", lambda: None)
    return DatabaseBroker()


def broken(*args: Any, **options: Any) -> Any:
    raise OperationalError


def test_an_empty_one_is_found_empty_with_one_query(queue: DatabaseBroker, django_assert_num_queries: Any):
    with django_assert_num_queries(1):
        assert queue.dequeue() == []


def test_what_is_put_on_it_is_taken_once_and_gone_when_acknowledged(queue: DatabaseBroker):
    put(TASK)

    ((key, payload),) = queue.dequeue()
    assert SignedPackage.loads(payload)["func"] == TASK
    assert queue.dequeue() == []

    queue.acknowledge(key)
    assert not OrmQ.objects.exists()


def test_what_can_not_be_read_is_dropped(queue: DatabaseBroker, monkeypatch: pytest.MonkeyPatch):
    put(TASK)

    def gone(payload: object) -> object:
        raise ModuleNotFoundError

    monkeypatch.setattr(SignedPackage, "loads", gone)

    assert queue.dequeue() == []
    assert not OrmQ.objects.exists()


def test_a_database_that_is_away_is_an_empty_queue(queue: DatabaseBroker, monkeypatch: pytest.MonkeyPatch):
    put(TASK)
    monkeypatch.setattr(brokers.connection, "cursor", broken)

    assert queue.dequeue() == []


def test_what_can_not_be_acknowledged_stays(queue: DatabaseBroker, monkeypatch: pytest.MonkeyPatch):
    put(TASK)
    monkeypatch.setattr(ORM, "delete", broken)

    queue.acknowledge(OrmQ.objects.get().pk)

    assert OrmQ.objects.count() == 1
