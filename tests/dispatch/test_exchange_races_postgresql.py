"""A rate that comes while a batch of postbacks is digested. SQLite has one writer, so there nobody waits in a ring."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection, transaction
from django.utils import timezone

from conversions.models import Conversion
from dispatch.planning import plan, release_with_rate
from offers.models import ExchangeRate
from tests.factories import make_conversion
from tests.second_connection import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


def release() -> int:
    try:
        return release_with_rate()
    finally:
        connection.close()


def test_a_release_leaves_out_what_another_holds_and_takes_it_next_time():
    busy, free = make_conversion(currency="UGX"), make_conversion(currency="UGX")
    plan(timezone.now())
    ExchangeRate.objects.create(currency="UGX", into="USD", rate="0.00027", valid_on=date(2020, 1, 1), source="a bank")

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Conversion.objects.select_for_update().get(pk=busy.pk)
        count = pool.submit(release).result(PATIENCE)

    assert count == 1
    assert list(Conversion.objects.unplanned()) == [free]
    assert release_with_rate() == 1
