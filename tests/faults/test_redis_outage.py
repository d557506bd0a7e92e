"""Redis as the queue: what it loses is delivered all the same, and the web never waits for it."""

import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from conversions.models import Postback
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.factories import make_click
from tests.faults.hosts import (
    Host,
    convert,
    deliverable_offer,
    environment_of_host,
    host,
    is_delivered,
    wait_for,
)
from tests.faults.servers import MortalRedis
from tests.postgresql import free_port
from trackingsite.environment import BASE_DIR
from trackingsite.supervision.ports import answers


@pytest.fixture(scope="module")
def workers(
    hosts_database: str, redis_server: MortalRedis, tiktok: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    folder, env = tmp_path_factory.mktemp("host"), {"REDIS_URL": redis_server.url, "TIKTOK_API_URL": tiktok.url}
    with host(folder, hosts_database, stall=9.0, **env) as running:
        yield running


@pytest.fixture(scope="module")
def web(hosts_database: str, redis_server: MortalRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a web process."""
    folder, port = tmp_path_factory.mktemp("web"), free_port()
    command = ["-m", "granian", "trackingsite.wsgi:application", "--interface", "wsgi", "--port", str(port)]
    env = environment_of_host(folder, hosts_database) | {"REDIS_URL": redis_server.url}
    process = subprocess.Popen([sys.executable, *command], cwd=BASE_DIR, env=env, stdout=subprocess.DEVNULL)
    wait_for(lambda: answers("127.0.0.1", port, "/healthz"))
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def offer(hosts_database: str) -> Offer:
    return deliverable_offer()


def report(web: str, offer: Offer) -> Postback:
    """Report a sale as the network does, which waits two seconds at most."""
    query = f"click_id={make_click(offer).pk}&status=approved&payout=1.00&currency=USD&txid=T-1"
    address = f"{web}/postback/{offer.network.slug}/{offer.network.secret.reveal()}/?{query}"
    with urllib.request.urlopen(address, timeout=2) as answer:
        assert answer.status == 200
    return Postback.objects.latest("pk")


def arrived(postback: Postback) -> bool:
    postback.refresh_from_db()
    return postback.conversion is not None and is_delivered(postback.conversion)


def test_it_carries_the_wake_ups(workers: Host, web: str, offer: Offer, redis_server: MortalRedis) -> None:
    postback = report(web, offer)

    wait_for(lambda: arrived(postback), lambda: workers.said)
    assert redis_server.client.info("commandstats")["cmdstat_rpush"]["calls"] > 0


def test_wake_ups_that_it_loses_are_not_missed(
    workers: Host, web: str, offer: Offer, redis_server: MortalRedis
) -> None:
    conversions = []
    for _ in range(10):
        conversions += [convert(offer), convert(offer)]
        redis_server.client.flushall()

    wait_for(lambda: all(map(is_delivered, conversions)), lambda: workers.said)


@pytest.mark.parametrize("outage", ["refuses", "hangs"])
def test_the_web_answers_without_it_and_the_workers_recover_alone(
    workers: Host, web: str, offer: Offer, redis_server: MortalRedis, outage: str
) -> None:
    family = workers.settled()
    told = workers.said.count("Database or queue away")
    redis_server.kill() if outage == "refuses" else redis_server.suspend()

    postbacks = [report(web, offer) for _ in range(10)]
    wait_for(lambda: workers.said.count("Database or queue away") > told, lambda: workers.said)
    redis_server.start() if outage == "refuses" else redis_server.resume()

    wait_for(lambda: all(map(arrived, postbacks)), lambda: workers.said)
    assert workers.settled() == family
    assert workers.restarts() == 0
