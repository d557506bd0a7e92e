"""Postbacks per second of the gateway, against a minimal Django view that stores the same row by a prepared statement.

Both under granian with 2 workers of 4 threads, at the same time up, asked in turns by the same client. Arguments:
postbacks of each round, rounds.
"""

import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import orjson
from django.db import connection
from django.db.models import Model
from django.urls import reverse

from conversions.click_ids import new_click_id
from conversions.models import Postback
from offers.models import Network
from tests.benchmarks import load
from tests.factories import make_network
from tests.postgresql import free_port
from trackingsite.supervision.ports import answers

WANTED = 0.6
Round = tuple[float, float]
WARM_UP = 2000
GRANIAN = ["--interface", "wsgi", "--workers", "2", "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]


def main(count: int = 10_000, rounds: int = 5) -> None:
    if connection.vendor != "postgresql":
        return print("SQLite has one web process: nothing to compare")
    network = make_network()
    own = {"BARE_SECRET": network.secret.reveal(), "BARE_ROW": orjson.dumps(row_of(Postback(network=network))).decode()}
    with running("trackingsite.wsgi", own) as ours, running("tests.benchmarks.bare_gateway", own) as bare:
        report("gateway", in_turns(Postback, lambda number: calls(network, number), b"200", bare, ours, count, rounds))


def in_turns(
    model: type[Model],
    calls: Callable[[int], list[bytes]],
    status: bytes,
    bare: int,
    ours: int,
    count: int,
    rounds: int,
) -> list[tuple[Round, Round]]:
    """Rounds of the bare view and of ours, which listen on these ports."""
    for port in (bare, ours):
        load.storm(calls(WARM_UP), port, status)
    return [
        (one_round(model, calls(count), status, bare), one_round(model, calls(count), status, ours))
        for _ in range(rounds)
    ]


def one_round(model: type[Model], calls: list[bytes], status: bytes, port: int) -> Round:
    """Requests per second and the 99th percentile in milliseconds. Every one of them is a row afterwards."""
    before = model._default_manager.count()
    rate, times = load.storm(calls, port, status)
    if model._default_manager.count() != before + len(calls):
        raise RuntimeError("not every answered request is kept")
    return rate, statistics.quantiles(times, n=100)[98] * 1000


def report(name: str, results: list[tuple[Round, Round]]) -> None:
    ratios = [mine / theirs for (theirs, _), (mine, _) in results]
    for column, label in enumerate(("bare view", name)):
        rate, p99 = (statistics.median(values) for values in zip(*(row[column] for row in results), strict=True))
        print(f"{label:<12}{rate:>7,.0f} requests/s, p99 {p99:.1f} ms")
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(f"{name} {statistics.median(ratios):.2f} of the bare view, {spread} (wanted {WANTED})")


def calls(network: Network, count: int) -> list[bytes]:
    """Sales of clicks of their own, as a network reports them."""
    url = reverse("postback", args=[network.slug, network.secret.reveal()])
    return [
        f"GET {url}?click_id={new_click_id()}&txid={secrets.token_hex(8)}&status=approved&payout=40.00&currency=USD "
        "HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: network/1.0\r\nAccept: */*\r\n\r\n".encode()
        for _ in range(count)
    ]


def row_of(new: Model) -> dict[str, object]:
    """What a new row has in each column, but for the key that the database gives."""
    fields = [field for field in new._meta.concrete_fields if not field.auto_created]
    return {field.column: field.get_prep_value(field.value_from_object(new)) for field in fields}


@contextmanager
def running(module: str, own: dict[str, str]) -> Iterator[int]:
    """The port of a server with its own variables that is up, and gone when the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "granian", f"{module}:application", *GRANIAN, "--port", str(port)]
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"} | own
    server = subprocess.Popen(command, env=env)
    try:
        while not answers("127.0.0.1", port, "/healthz"):
            if server.poll() is not None:
                raise RuntimeError(f"{module} did not start")
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(30)
