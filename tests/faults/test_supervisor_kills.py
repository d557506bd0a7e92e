"""Any process of the workers is killed or stopped: conversions are delivered all the same, nobody is left behind."""

import signal
from collections.abc import Iterator

import psutil
import pytest
from django_q.models import OrmQ

from dispatch import clock
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.faults.hosts import WORK, Host, alive, convert, deliverable_offer, host, is_delivered, wait_for

PLACES = {"parent": 0, "sentinel": 1, "worker": 2, "monitor": 4, "pusher": 5}
"""In the order in which a cluster starts them."""


@pytest.fixture(scope="module")
def workers(hosts_database: str, tiktok: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One host for all tests of the module: each leaves it well."""
    with host(tmp_path_factory.mktemp("host"), hosts_database, TIKTOK_API_URL=tiktok.url) as running:
        yield running


@pytest.fixture(scope="module")
def offer(hosts_database: str) -> Offer:
    return deliverable_offer()


def assert_delivers(offer: Offer, workers: Host) -> None:
    conversion = convert(offer)
    wait_for(lambda: is_delivered(conversion), lambda: workers.said)


def victim(workers: Host, who: str) -> psutil.Process:
    family = workers.settled()
    return workers.busy_worker() if who == "busy worker" else family[PLACES[who]]


@pytest.mark.parametrize("who", ["parent", "sentinel", "worker", "busy worker", "monitor", "pusher"])
def test_after_a_kill_a_new_cluster_delivers(workers: Host, offer: Offer, who: str) -> None:
    family, restarts = workers.settled(), workers.restarts()

    victim(workers, who).kill()

    assert_delivers(offer, workers)
    wait_for(lambda: workers.restarts() == restarts + 1, lambda: workers.said)
    assert not alive(family)
    workers.settled()


def test_whatever_was_stopped_goes_on(workers: Host, offer: Offer) -> None:
    family = workers.settled()

    for process in family:
        process.suspend()
    wait_for(lambda: all(process.status() != psutil.STATUS_STOPPED for process in family))

    assert_delivers(offer, workers)
    assert workers.settled() == family


def test_what_the_killed_had_taken_comes_again_and_does_not_pile_up(workers: Host) -> None:
    """Comes after the tests before it; the rows' locks are let run out at once."""
    left_over = OrmQ.objects.count()
    for row in OrmQ.objects.all():
        if row.func() == WORK:
            row.delete()

    OrmQ.objects.update(lock=clock.now())

    wait_for(lambda: not OrmQ.objects.exists(), lambda: f"{OrmQ.objects.values_list('id', 'lock')}")
    assert left_over < 30


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_its_supervisor(hosts_database: str, workers: Host, tmp_path_factory, number: int) -> None:
    with host(tmp_path_factory.mktemp("another"), hosts_database, grace=1.0) as another:
        family = another.settled()
        for process in family[1:]:
            process.suspend()

        another.end(number)

    assert not alive(family)
