"""Delivered conversions per second of one worker.

At 0 ms: against a bare loop that posts the same bodies, 50 events a request, over one `requests` session, without a
database; at the strict sandbox, and at a peer that does nothing but say OK. At 50 ms: against one django-q2 task for
each conversion.
"""

import time
from collections.abc import Iterator
from multiprocessing import Process
from typing import Any

import orjson
import requests
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.cluster import Cluster
from django_q.models import OrmQ
from django_q.tasks import async_task

from dispatch import outbox, sending
from dispatch.models import Credential, Delivery, Lane
from dispatch.sender import Sender
from dispatch.tiktok.contract import PATH, make_body
from offers.models import Pixel
from tests.benchmarks import peer, queues
from tests.factories import TOKEN

BARE_BATCH_SIZE = 50
TASKS = 300


def main(at_zero: int = 10_000, at_fifty: int = 5_000) -> None:
    settings.TIKTOK_REQUESTS_PER_SECOND = 100_000.0  # the cap's work is done, its waiting is not
    offer = queues.make_sending_offer()
    for name, running in (("strict sandbox", peer.sandbox), ("bare peer", peer.running)):
        with running() as settings.TIKTOK_API_URL:
            queues.fill(offer, at_zero)
            bare = bare_loop(offer.pixel)
            show(f"{name}, 0 ms, 50 a request", "bare loop", bare, rate_of_sender(at_zero, BARE_BATCH_SIZE), 0.25)
    with peer.running(50) as settings.TIKTOK_API_URL:
        queues.fill(offer, at_fifty)
        ours = rate_of_sender(at_fifty, 100)
        queues.fill(offer, TASKS)
        show("bare peer, 50 ms, 100 a request", "task each", one_task_each(TASKS), ours, 50)


def show(what: str, baseline: str, theirs: float, ours: float, wanted: float) -> None:
    print(f"{what:<32}{baseline} {theirs:,.0f}/s, sender {ours:,.0f}/s: {ours / theirs:.3f} of it (wanted {wanted})")


def rate_of_sender(count: int, batch_size: int) -> float:
    """Deliveries per second from claim to acceptance, until none is left."""
    settings.TIKTOK_BATCH_SIZE = batch_size
    sender, started = Sender(), time.monotonic()
    while Delivery.objects.filter(status=Delivery.Status.WAITING).exists():
        sender.turn()
    return count / (time.monotonic() - started)


def bare_loop(pixel: Pixel) -> float:
    """Events per second of a loop that does nothing but post the bodies that the sender will post."""
    bodies = list(bodies_of(pixel))
    session, started = requests.Session(), time.monotonic()
    for body in bodies:
        session.post(
            settings.TIKTOK_API_URL + PATH,
            data=orjson.dumps(body),
            headers={"Access-Token": TOKEN, "Content-Type": "application/json"},
            timeout=10,
        ).json()
    return sum(len(body["data"]) for body in bodies) / (time.monotonic() - started)


def bodies_of(pixel: Pixel) -> Iterator[Any]:
    now = timezone.now()
    deliveries = outbox.load(Delivery.objects.filter(status=Delivery.Status.WAITING))
    for start in range(0, len(deliveries), BARE_BATCH_SIZE):
        shipments = sending.build_shipments(deliveries[start : start + BARE_BATCH_SIZE], now)
        yield make_body(pixel.code, "", [shipment.event for shipment in shipments])


def deliver_one(key: int) -> None:
    """The baseline's task: the same work for one conversion, with a request of its own."""
    lane = Lane.objects.of(Delivery.objects.get(pk=key).pixel_id)
    delivery = outbox.claim(lane.pixel, timezone.now(), 1)
    shipments = sending.build_shipments(delivery, timezone.now())
    credential = Credential.objects.usable().get(pixel=lane.pixel)
    parcel = sending.Parcel(lane, credential, credential.reveal_to_send(), shipments)
    sending.finish(parcel, *sending.post(parcel), patient_until=time.monotonic())


def one_task_each(count: int) -> float:
    """Conversions per second of django-q2 with one worker and a task for each conversion."""
    for key in Delivery.objects.filter(status=Delivery.Status.WAITING).values_list("pk", flat=True):
        async_task("tests.benchmarks.delivery.deliver_one", key)
    settings.Q_CLUSTER["workers"] = 1
    connection.close()
    cluster = Process(target=run_cluster)
    cluster.start()
    waiting = Delivery.objects.filter(status=Delivery.Status.WAITING)
    while waiting.count() == count:
        time.sleep(0.01)
    done, started = count - waiting.count(), time.monotonic()
    while waiting.exists():
        time.sleep(0.01)
    rate = (count - done) / (time.monotonic() - started)
    cluster.terminate()
    cluster.join()
    OrmQ.objects.all().delete()
    return rate


def run_cluster() -> None:
    cluster = Cluster()
    cluster.start()
    cluster.sentinel.join()
