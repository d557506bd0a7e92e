"""Postbacks digested per second by one worker, each of a click of its own; and the same rows merely written.

The baseline writes what the digest has left in its three tables once more, batch by batch, by COPY on PostgreSQL and by
executemany on SQLite. Arguments: postbacks of each round, rounds.
"""

import secrets
import statistics
import time
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from conversions import clock
from conversions.digest import BATCH_SIZE, digest_batch
from conversions.models import Click, Conversion, LedgerEntry, Postback
from offers.models import Offer
from tests.benchmarks import queues

WANTED = 5000
TABLES = [Conversion, LedgerEntry, Postback]
Rows = list[tuple[Any, ...]]


def main(count: int = 10_000, rounds: int = 5) -> None:
    offer = queues.make_sending_offer()
    one_round(offer, BATCH_SIZE * 4)
    rates = [one_round(offer, count) for _ in range(rounds)]
    ours, bare = (statistics.median(column) for column in zip(*rates, strict=True))
    share = statistics.median(mine / theirs for mine, theirs in rates)
    print(
        f"digest {ours:,.0f} postbacks/s (wanted {WANTED:,}), rows alone {bare:,.0f}/s: {share:.2f} of it", flush=True
    )


def one_round(offer: Offer, count: int) -> tuple[float, float]:
    """Postbacks per second: digested, and written. The tables are empty afterwards."""
    for start in range(0, count, queues.AT_ONCE):
        make_postbacks(offer, min(queues.AT_ONCE, count - start))
    analyze()
    started = time.perf_counter()
    while digest_batch(clock.now()):
        pass
    digested = count / (time.perf_counter() - started)
    if LedgerEntry.objects.count() != count:
        raise RuntimeError("not every postback is in the ledger")
    rows = {model: rows_of(model) for model in TABLES}
    empty()
    written = count / write(rows)
    empty()
    return digested, written


def make_postbacks(offer: Offer, count: int) -> None:
    """Approved sales as the gateway keeps them."""
    now = timezone.now()
    clicks = Click.objects.bulk_create(queues.make_click(offer, now) for _ in range(count))
    Postback.objects.bulk_create(
        Postback(
            network=offer.network,
            received_at=now,
            due_at=now,
            method="GET",
            params={
                "click_id": click.pk, "txid": secrets.token_hex(8), "status": "approved", "payout": "40.00",
                "currency": "USD",
            },
            remote_ip="192.0.2.10",
        )
        for click in clicks
    )  # fmt: skip


def rows_of(model: type[Any]) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns(model)} FROM {model._meta.db_table} ORDER BY id")
        return list(cursor.fetchall())


def columns(model: type[Any]) -> str:
    return ", ".join(field.column for field in model._meta.concrete_fields)


def write(rows: dict[type[Any], Rows]) -> float:
    """The seconds that it takes to store the rows of all tables, a transaction for each batch."""
    started = time.perf_counter()
    for start in range(0, len(rows[Postback]), BATCH_SIZE):
        with transaction.atomic(), connection.cursor() as cursor:
            for model in TABLES:
                write_batch(cursor, model, rows[model][start : start + BATCH_SIZE])
    return time.perf_counter() - started


def write_batch(cursor: Any, model: type[Any], rows: Rows) -> None:
    into = f"{model._meta.db_table} ({columns(model)})"
    if connection.vendor == "postgresql":
        with cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        cursor.executemany(f"INSERT INTO {into} VALUES ({', '.join('%s' for _ in rows[0])})", rows)


def empty() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in TABLES)}, dispatch_delivery CASCADE")
        else:
            for model in reversed(TABLES):
                cursor.execute(f"DELETE FROM {model._meta.db_table}")


def analyze() -> None:
    """Have the planner know the tables as it does in a site that runs."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
