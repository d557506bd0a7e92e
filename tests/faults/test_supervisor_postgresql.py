"""PostgreSQL goes away under the workers, or is not there yet when they start. Collected on PostgreSQL only."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.databases import at_home_in
from tests.faults.hosts import convert, deliverable_offer, host, is_delivered, migrate, wait_for
from tests.faults.servers import MortalPostgreSQL

RECOVERY_SECONDS = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[MortalPostgreSQL]:
    """A PostgreSQL of our own, on which the ORM of these tests works."""
    with (
        tempfile.TemporaryDirectory(prefix="trackingsite-", ignore_cleanup_errors=True) as folder,
        MortalPostgreSQL(Path(folder)) as server,
        django_db_blocker.unblock(),
        at_home_in(server.url),
    ):
        migrate(server.url, tmp_path_factory.mktemp("migrate"))
        yield server


@pytest.fixture
def offer(server: MortalPostgreSQL) -> Offer:
    return deliverable_offer()


@pytest.fixture
def start(server: MortalPostgreSQL, tiktok: Sandbox, tmp_path: Path) -> Any:
    return lambda: host(tmp_path, server.url, stall=9.0, TIKTOK_API_URL=tiktok.url)


def test_workers_recover_alone_from_a_crash_of_the_database(server: MortalPostgreSQL, offer: Offer, start: Any) -> None:
    with start() as workers:
        family = workers.settled()
        before = [convert(offer) for _ in range(20)]

        server.crash()
        wait_for(lambda: "Database or queue away" in workers.said, lambda: workers.said)
        reconnect(server)
        after = [convert(offer) for _ in range(20)]

        wait_for(lambda: all(map(is_delivered, before + after)), lambda: workers.said, seconds=RECOVERY_SECONDS)
        assert workers.restarts() == 0
        assert workers.settled() == family


def test_workers_wait_for_a_database_that_is_not_there_yet(server: MortalPostgreSQL, offer: Offer, start: Any) -> None:
    conversion = convert(offer)
    server.crash()

    with start() as workers:
        wait_for(lambda: "Database or queue away" in workers.said, lambda: workers.said)
        assert not workers.family, "no cluster that could only fail"
        reconnect(server)

        wait_for(lambda: is_delivered(conversion), lambda: workers.said)
        assert workers.said.count("Database or queue away") == 1
        assert "Traceback" not in workers.said


def reconnect(server: MortalPostgreSQL) -> None:
    """Start it, and have this process's ORM notice."""
    server.start()
    connection.close()
