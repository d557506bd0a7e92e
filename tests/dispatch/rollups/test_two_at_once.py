from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction
from django.utils import timezone

from dispatch.models import OfferSlot, SourceDay
from dispatch.rollups.making import make_offer as make_sums
from dispatch.rollups.slots import slot_of
from tests.factories import make_click
from tests.second_connection import meanwhile

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_makes_the_same_half_hour_waits_and_counts_what_came_meanwhile():
    click = make_click(created_at=timezone.now())
    half = (click.offer_id, slot_of(click.created_at), click.created_at)

    def come_and_count() -> None:
        make_click(click.offer, created_at=click.created_at)
        make_sums(*half)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            make_sums(*half)
            other = meanwhile(pool, come_and_count)
        other.result(timeout=30)

    assert (OfferSlot.objects.get().clicks, SourceDay.objects.get().clicks) == (2, 2)
