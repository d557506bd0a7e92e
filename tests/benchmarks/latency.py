"""From a network's postback to TikTok's acceptance, on the whole site as `make run` starts it.

First at rest; then while another pixel has a long queue of due deliveries, with what memory a worker takes meanwhile.
Arguments: postbacks of each round, deliveries of the long queue.
"""

import statistics
import time

import requests
from django.urls import reverse

from dispatch.models import Delivery
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.benchmarks import installation, queues
from tests.factories import make_click, make_credential, make_offer

PAUSE_SECONDS = 0.4
SETTLE_SECONDS = 15


def main(postbacks: int = 60, backlog: int = 1_000_000) -> None:
    offer = queues.make_sending_offer()
    with Sandbox.running(accept_any_token=True) as sandbox:
        with installation.running(sandbox.url) as site:
            time.sleep(SETTLE_SECONDS)
            show("at rest", delays(site.port, sandbox, offer, postbacks), 0.5, 2.0)
        flooded = make_offer()
        make_credential(flooded.pixel, "the-token-of-the-flooded-pixel")
        queues.flood(flooded, backlog)
        with installation.running(sandbox.url) as site:
            time.sleep(SETTLE_SECONDS)
            show(f"next to {backlog:,} due", delays(site.port, sandbox, offer, postbacks), None, 2.0)
            left = Delivery.objects.filter(pixel=flooded.pixel, status=Delivery.Status.WAITING).count()
            print(f"{'':<24}largest worker process {site.worker_megabytes():.0f} MB (wanted 150), {left:,} left")


def delays(port: int, sandbox: Sandbox, offer: Offer, count: int) -> list[float]:
    """Seconds from the call of each postback to its arrival at TikTok, one after the other."""
    session, sent = requests.Session(), {}
    for _ in range(count):
        click = make_click(offer)
        url = f"http://127.0.0.1:{port}{reverse('postback', args=[offer.network.slug, offer.network.secret.reveal()])}"
        sent[click.pk] = time.time()
        answer = session.get(url, params={"click_id": click.pk, "status": "approved", "payout": "40", "txid": click.pk})
        answer.raise_for_status()
        time.sleep(PAUSE_SECONDS)
    return arrivals(sandbox, offer, sent)


def arrivals(sandbox: Sandbox, offer: Offer, sent: dict[str, float]) -> list[float]:
    accepted = Delivery.objects.filter(conversion__click__in=list(sent), status=Delivery.Status.ACCEPTED)
    deadline = time.monotonic() + 60
    while accepted.count() < len(sent) and time.monotonic() < deadline:
        time.sleep(0.2)
    by_event = {event["event_id"]: event["received_at"] for event in sandbox.events(pixel_code=offer.pixel.code)}
    rows = accepted.values_list("conversion__click_id", "event_id")
    found = [by_event[str(event_id)] - sent[click_id] for click_id, event_id in rows]
    if len(found) < len(sent):
        print(f"only {len(found)} of {len(sent)} arrived")
    return found


def show(what: str, seconds: list[float], median: float | None, tail: float) -> None:
    cuts = statistics.quantiles(seconds, n=100)
    wanted = f"p50 {median}, p99 {tail}" if median else f"p95 {tail}"
    print(f"{what:<24}p50 {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s, p99 {cuts[98]:.2f} s (wanted {wanted})", flush=True)
