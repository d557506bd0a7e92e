"""The workers' queue, in the database or in Redis: patient when that is away, and deaf to what can't be read."""

import logging
import time
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection
from django_q.brokers import Broker
from django_q.brokers.orm import ORM
from django_q.brokers.redis_broker import Redis
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import BadSignature, SignedPackage
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

AWAY_SECONDS = 1.0
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 3.0
"""Longer than the second for which a worker waits for a task."""

Taken = tuple[Any, str | bytes]
"""What acknowledges a task, and its payload."""


class PatientBroker(Broker):  # type: ignore[misc]
    """What django-q2's pusher and monitor die of, or sleep ten seconds for, costs a second here.

    The supervisor tells that the database or Redis is away.
    """

    def dequeue(self) -> list[Taken]:
        try:
            return [task for task in super().dequeue() or [] if self._can_be_read(*task)]
        except (Error, redis.RedisError):
            connection.close()
            time.sleep(AWAY_SECONDS)
            return []

    def acknowledge(self, task_id: Any) -> None:
        """One that can't be acknowledged comes again, which is harmless."""
        try:
            super().acknowledge(task_id)
        except (Error, redis.RedisError):
            connection.close()

    def _can_be_read(self, task_id: Any, payload: str | bytes) -> bool:
        """False for what would kill the pusher each time: a class or a module that is gone since it was queued."""
        try:
            SignedPackage.loads(payload)
        except (TypeError, BadSignature):
            return True  # django-q2 itself drops these
        except Exception as error:  # unpickling may raise anything
            logger.error("A task on the queue can't be read (%s) and is dropped.", type(error).__name__)
            self.fail(task_id)
            return False
        return True


class DatabaseBroker(PatientBroker, ORM):  # type: ignore[misc]
    """The queue in our own database. It is asked five times a second, so asking whether it is empty is cheap."""

    def dequeue(self) -> list[Taken]:
        if self._is_empty():
            time.sleep(Conf.POLL)
            return []
        return super().dequeue()

    def _is_empty(self) -> bool:
        """False when that can't be said."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM {OrmQ._meta.db_table} LIMIT 1")  # noqa: S608 - a constant
                return cursor.fetchone() is None
        except Error:
            connection.close()
            return False


class RedisBroker(PatientBroker, Redis):  # type: ignore[misc]
    """The queue in Redis; nobody waits long for one that does not answer."""

    @staticmethod
    def get_connection(list_key: str | None = None) -> redis.Redis:
        # A second try only for connections that have gone meanwhile: silence would cost the same time again.
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        return redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS, retry=retry
        )
