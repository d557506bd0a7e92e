"""What a postback costs with many clicks in the table, against few: kept by the gateway, then digested in batches.

Two databases of one PostgreSQL that differ in nothing but their clicks, asked in turns about clicks drawn at random.
Arguments: few, many.
"""

import secrets
import statistics
import time
from collections.abc import Iterator

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversions import clock, configuration
from conversions.digest import BATCH_SIZE, digest_batch
from conversions.models import Click, LedgerEntry
from offers.models import Offer
from tests.benchmarks import queues

WANTED = 1.2
ROUNDS, WARM_UP = 12, 2
AT_ONCE = 1_000_000


class World:
    """A database with one offer and so many clicks."""

    def __init__(self, name: str, clicks: int) -> None:
        self.name = name
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        self.enter()
        call_command("migrate", verbosity=0)
        self.offer = queues.make_sending_offer()
        fill(self.offer, clicks)
        self.drawn = draw(clicks, (ROUNDS + WARM_UP) * BATCH_SIZE)

    def enter(self) -> None:
        """Have the process's one connection lead here."""
        connection.close()
        connection.settings_dict["NAME"] = self.name
        configuration.forget()

    def one_round(self) -> tuple[float, float]:
        """Microseconds of a postback in the gateway and in the digest."""
        self.enter()
        network, client = self.offer.network, Client()
        url = reverse("postback", args=[network.slug, network.secret.reveal()])
        client.get(url)  # connects
        digest_batch(clock.now())
        before = LedgerEntry.objects.count()
        started = time.perf_counter()
        for _ in range(BATCH_SIZE):
            client.get(url, {"click_id": next(self.drawn), "txid": secrets.token_hex(8), "payout": "40.00"})
        kept = time.perf_counter()
        digest_batch(clock.now())
        digested = time.perf_counter()
        if LedgerEntry.objects.count() != before + BATCH_SIZE:
            raise RuntimeError("not every postback is in the ledger")
        return (kept - started) / BATCH_SIZE * 1e6, (digested - kept) / BATCH_SIZE * 1e6


def main(few: int = 100_000, many: int = 10_000_000) -> None:
    if connection.vendor != "postgresql":
        return print("so many clicks are for PostgreSQL")
    worlds = [World("few", few), World("many", many)]
    rounds = [{world.name: world.one_round() for world in worlds[:: (-1) ** n]} for n in range(ROUNDS + WARM_UP)]
    for place, what in enumerate(("gateway", "digest", "both")):
        one, other = (quick([costs[world.name] for costs in rounds[WARM_UP:]], place) for world in worlds)
        figures = f"{one:,.0f} µs of {few:,} clicks, {other:,.0f} µs of {many:,}"
        print(f"{what:<8}{figures}: {other / one:.2f} of it (wanted {WANTED})")


def quick(rounds: list[tuple[float, float]], place: int) -> float:
    """The quicker quarter's limit of many rounds: what else the machine does slows the others."""
    return statistics.quantiles([sum(costs[place : place + 1] or costs) for costs in rounds], n=4)[0]


def fill(offer: Offer, count: int) -> None:
    """Clicks of the last sixty days, oldest first, each like the first but for its time, its id and its ttclid."""
    first = queues.make_click(offer, timezone.now())
    first.save()
    made = {
        "id": "to_hex((extract(epoch FROM moment) * 1000)::bigint) || substr(md5(random()::text), 1, 15)",
        "created_at": "moment",
        "ttclid": "'E.C.P.' || md5(random()::text) || md5(random()::text) || md5(random()::text)",
    }
    columns = [field.column for field in Click._meta.concrete_fields]
    selected = ", ".join(made.get(column, column) for column in columns)
    sql = f"""
        INSERT INTO conversions_click ({", ".join(columns)})
        SELECT {selected} FROM conversions_click,
            (SELECT now() - interval '60 days' * (1 - n / %s::float) AS moment FROM generate_series(%s, %s) n) AS times
        WHERE conversions_click.id = %s
    """
    with connection.cursor() as cursor:
        for start in range(1, count, AT_ONCE):
            cursor.execute(sql, [count, start, min(start + AT_ONCE, count) - 1, first.pk])
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def draw(clicks: int, count: int) -> Iterator[str]:
    """So many ids of clicks that are there, from everywhere in the table."""
    with connection.cursor() as cursor:
        share = min(100, 150 * count / clicks)
        cursor.execute(
            f"SELECT id FROM conversions_click TABLESAMPLE BERNOULLI ({share}) ORDER BY random() LIMIT %s", [count]
        )
        return iter([key for (key,) in cursor.fetchall()])
