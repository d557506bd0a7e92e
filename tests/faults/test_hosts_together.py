"""Several worker hosts on one database."""

import signal
from datetime import timedelta
from pathlib import Path

from django_q.models import OrmQ

from dispatch import clock
from dispatch.models import Heartbeat
from dispatch.tiktok.sandbox import Sandbox
from tests.faults.hosts import Host, convert, deliverable_offer, host, is_delivered, wait_for

STALL = 15.0


def beat_since(workers: Host, moment: object) -> bool:
    row = workers.heartbeat()
    return row is not None and row.beat_at > moment


def test_each_has_its_own_heartbeat_and_one_does_the_work_of_another(
    hosts_database: str, tiktok: Sandbox, tmp_path: Path
) -> None:
    offer = deliverable_offer()
    with (
        host(tmp_path / "one", hosts_database, stall=STALL, TIKTOK_API_URL=tiktok.url) as one,
        host(tmp_path / "two", hosts_database, stall=STALL, TIKTOK_API_URL=tiktok.url) as two,
    ):
        one.settled(), two.settled()
        later = clock.now() + timedelta(seconds=STALL)
        wait_for(lambda: beat_since(one, later) and beat_since(two, later), lambda: one.said + two.said)
        assert (one.restarts(), two.restarts()) == (0, 0), "neither is taken for dead because the other was faster"

        conversions = [convert(offer) for _ in range(20)]
        one.end(signal.SIGKILL)
        conversions += [convert(offer) for _ in range(20)]
        wait_for(lambda: all(map(is_delivered, conversions)), lambda: two.said)

        assert two.restarts() == 0
    sent = [event["event_id"] for event in tiktok.events()]
    assert set(sent) == {str(conversion.event_id) for conversion in conversions}
    assert [row.cluster.split(":")[1] for row in Heartbeat.objects.all()] == [str(one.process.pid)]
    assert OrmQ.objects.count() < 30
