"""Workers that live and get nothing done: only their heartbeat tells."""

from pathlib import Path

from dispatch.tiktok.sandbox import Sandbox
from tests.faults.hosts import alive, convert, deliverable_offer, host, is_delivered, wait_for


def test_workers_that_get_nothing_done_are_replaced(hosts_database: str, tiktok: Sandbox, tmp_path: Path) -> None:
    with host(tmp_path, hosts_database, stall=15.0, TIKTOK_API_URL=tiktok.url) as workers:
        first = workers.settled()
        hung = {workers.busy_worker(120), workers.busy_worker(120)}  # longer than all of the test
        assert hung == set(first[2:4])

        conversion = convert(deliverable_offer())
        wait_for(lambda: is_delivered(conversion), lambda: workers.said)

        assert "The workers get nothing done any more" in workers.said
        assert workers.restarts() >= 1
        assert not alive(first)
