"""What a page costs: on the clock, in computing, and in queries."""

import time
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

TIMES = 5
PATIENCE_MS = 3_000
MS_IN_NS = 1_000_000
CLOCK = "clock_timestamp()"  # asked for now and then, whatever is opened


@dataclass(frozen=True)
class Cost:
    """Milliseconds on the clock; milliseconds that the page's and the database's process computed; queries.

    What is computed says something on a busy machine, too. It is without the workers of a parallel query.
    """

    clock: float
    page: float
    database: float
    queries: int


def cost_of(client: Client, url: str) -> Cost:
    """Of several times the quickest counts, after one that warms up. Raises RuntimeError for a page that fails."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
        queries = sum(CLOCK not in each["sql"] for each in captured)  # here: the next request forgets them
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}")
    server = database_process()
    taken = [milliseconds(client, url, server)]
    while len(taken) < TIMES and sum(clock for clock, *_ in taken) < PATIENCE_MS:
        taken.append(milliseconds(client, url, server))
    return Cost(*(min(each) for each in zip(*taken, strict=True)), queries)


def milliseconds(client: Client, url: str, server: int) -> tuple[float, float, float]:
    clock, page, database = time.perf_counter(), time.process_time(), computed(server)
    client.get(url)
    return (time.perf_counter() - clock) * 1000, (time.process_time() - page) * 1000, computed(server) - database


def database_process() -> int:
    """The one that serves our connection, on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def computed(process: int) -> float:
    """Milliseconds on a processor so far; 0 where the system does not say."""
    file = Path(f"/proc/{process}/schedstat")
    return int(file.read_text().split()[0]) / MS_IN_NS if file.exists() else 0
