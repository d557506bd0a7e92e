"""Probes of a site whose database or disk hangs: they are answered, and do not pile up on its threads."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.second_connection import PATIENCE
from trackingsite import patience, readiness, vitals
from trackingsite.patience import Kept, in_time


class Source:
    """What is read; `hanging` has the next one who reads wait until the block ends."""

    def __init__(self) -> None:
        self.reads = 0
        self._hangs = False
        self._begun = threading.Event()
        self._over = threading.Event()

    def read(self) -> int:
        self.reads += 1
        if self._hangs:
            self._begun.set()
            assert self._over.wait(PATIENCE)
        return self.reads

    @contextmanager
    def hanging(self, ask: Callable[[], Any]) -> Iterator[None]:
        self._hangs = True
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(ask)
            assert self._begun.wait(PATIENCE)
            try:
                yield
            finally:
                self._over.set()
                asking.result(PATIENCE)


@pytest.fixture(autouse=True)
def _short_of_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)


class TestKept:
    def test_is_read_once_in_a_while(self):
        source = Source()
        kept = Kept(source.read, unknown=0)

        assert [kept.get(), kept.get()] == [1, 1]
        kept.forget()
        assert kept.get() == 2

    @pytest.mark.parametrize(("stale_seconds", "told"), [(60.0, 1), (0.0, 0)])
    def test_is_what_was_read_last_while_another_thread_hangs_unless_that_is_too_old(
        self, stale_seconds: float, told: int
    ):
        source = Source()
        kept = Kept(source.read, unknown=0, keep_seconds=0.0, stale_seconds=stale_seconds)
        kept.get()

        with source.hanging(kept.get):
            assert kept.get() == told
        assert source.reads == 2

    def test_is_unknown_while_the_very_first_read_hangs(self):
        source = Source()
        kept = Kept(source.read, unknown=0)

        with source.hanging(kept.get):
            assert [kept.get(), kept.get()] == [0, 0]
        assert (kept.get(), source.reads) == (1, 1)

    def test_is_waited_for_if_it_comes_soon(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(patience, "PATIENCE_SECONDS", PATIENCE)
        source = Source()
        kept = Kept(source.read, unknown=0)

        with ThreadPoolExecutor(1) as pool:
            with source.hanging(kept.get):
                other = pool.submit(kept.get)
            assert other.result(PATIENCE) == 1

    def test_who_fails_to_read_stands_in_nobodys_way(self):
        def fail() -> int:
            raise ValueError("unreadable")

        kept = Kept(fail, unknown=0)

        for _ in range(2):
            with pytest.raises(ValueError, match="unreadable"):
                kept.get()


@pytest.mark.django_db
class TestHangingDatabase:
    def test_readyz_says_503_to_whoever_asks_meanwhile(self, monkeypatch: pytest.MonkeyPatch):
        assert Client().get("/readyz").status_code == 200
        source = Source()
        monkeypatch.setattr(readiness.database, "read", source.read)

        with source.hanging(readiness.database.get):
            answer = Client().get("/readyz")

        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        assert source.reads == 1

    def test_metrics_tell_what_they_can(self, monkeypatch: pytest.MonkeyPatch):
        source = Source()
        monkeypatch.setattr(vitals.vitals, "read", source.read)

        with source.hanging(vitals.vitals.get):
            answer = Client().get("/metrics")

        assert answer.status_code == 200
        assert b"trackingsite_database_up 0.0" in answer.content

    def test_a_database_that_takes_too_long_is_warned_of(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(vitals.vitals, "read", lambda: None)

        found = {warning["code"] for warning in Client().get("/readyz").json()["warnings"]}

        assert found == {"figures_away"}


@pytest.mark.django_db(transaction=True)
def test_reading_in_time_takes_no_writers_lock_on_sqlite():
    with in_time():
        assert connection.in_atomic_block == (connection.vendor == "postgresql")


@pytest.mark.django_db
class TestSilentDisk:
    @pytest.fixture(autouse=True)
    def _silent_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(path: Any) -> Any:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(os, "statvfs", fail)

    def test_metrics_lack_it_and_nothing_else(self):
        text = Client().get("/metrics").content.decode()

        assert "trackingsite_disk_free_bytes{" not in text
        assert "trackingsite_database_up 1.0" in text

    def test_readyz_warns(self):
        answer = Client().get("/readyz")

        words = [warning["message"] for warning in answer.json()["warnings"] if warning["code"] == "disk_unknown"]
        assert answer.status_code == 200
        assert "The disk of the state folder" in words[0]
