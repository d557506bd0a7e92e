"""Several workers at the same queue, each with a database connection of its own."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from dispatch import outbox
from dispatch.models import Delivery
from offers.models import Pixel
from tests.factories import make_click, make_conversion, make_delivery

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 4


def claim_everything(pixel: Pixel) -> list[int]:
    keys: list[int] = []
    while claimed := outbox.claim(pixel, timezone.now(), 7):
        keys += [delivery.pk for delivery in claimed]
    connection.close()
    return keys


def test_each_delivery_is_claimed_by_exactly_one_worker():
    click = make_click()
    deliveries = [make_delivery(make_conversion(click)) for _ in range(200)]

    with ThreadPoolExecutor(WORKERS) as pool:
        claims = list(pool.map(claim_everything, [click.offer.pixel] * WORKERS))

    counts = Counter(key for keys in claims for key in keys)
    # A worker that finds every row locked goes home early; the sweep sends what is left.
    assert set(counts.values()) == {1}
    assert len(counts) + Delivery.objects.due(timezone.now()).count() == len(deliveries)
