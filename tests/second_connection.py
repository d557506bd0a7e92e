"""Somebody else who works on the same rows, over a connection of their own."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

PATIENCE = 15.0
WAITING_FOR_A_LOCK = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
Result = TypeVar("Result")


def meanwhile(pool: ThreadPoolExecutor, act: Callable[[], Result]) -> "Future[Result]":
    """Act over another connection; returns when that one waits for our transaction to end."""
    begun = threading.Event()

    def run() -> Result:
        try:
            connection.ensure_connection()
            begun.set()
            return act()
        finally:
            connection.close()

    other = pool.submit(run)
    assert begun.wait(PATIENCE)
    if connection.vendor == "postgresql":  # SQLite shows nothing, and there the other one begins when we are done
        wait_until_somebody_waits()
    return other


def wait_until_somebody_waits() -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(WAITING_FOR_A_LOCK)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("Nobody waits for our transaction.")
