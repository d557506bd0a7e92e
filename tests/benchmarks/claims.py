"""How long a claim takes with 10,000 due deliveries and with 1,000,000 (or as many as the argument says)."""

import statistics
import time

from dispatch import clock, outbox
from offers.models import Pixel
from tests.benchmarks import queues

CLAIMS = 60
BATCH_SIZE = 100


def main(many: int = 1_000_000) -> None:
    offer = queues.make_sending_offer()
    pixel = queues.flood(offer, 10_000)
    few_ms = claim_ms(pixel)
    queues.flood(offer, many)
    many_ms = claim_ms(pixel)
    ratio = f"{many_ms / few_ms:.2f} of it (wanted 1.20)"
    print(f"claim of {BATCH_SIZE}: {few_ms:.2f} ms of 10,000, {many_ms:.2f} ms of {many:,}: {ratio}")


def claim_ms(pixel: Pixel) -> float:
    """The quicker quarter's limit of many claims, in milliseconds: what else the machine does slows the others."""
    times = []
    for _ in range(CLAIMS):
        started = time.perf_counter()
        outbox.claim(pixel, clock.now(), BATCH_SIZE)
        times.append(time.perf_counter() - started)
    return statistics.quantiles(times, n=4)[0] * 1000
