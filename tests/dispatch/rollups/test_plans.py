"""How the database reads what is counted of one half-hour: whatever the size of the tables, by indexes."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions.click_ids import new_click_id
from dispatch.rollups import making
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.rules import rules_of
from dispatch.rollups.slots import slot_of
from tests.factories import make_click, make_conversion, make_offer, make_postback

pytestmark = pytest.mark.django_db
BIG = ("click", "conversion", "ledgerentry", "postback", "sighting", "delivery", "deliveryattempt")
NOW = timezone.now()


def plans_of(queries: list[str]) -> list[str]:
    how = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        plans = []
        for query in queries:
            cursor.execute(f"{how} {query}".replace("%", "%%"))
            plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return plans


def reads_whole(plan: str) -> list[str]:
    names = [f"{app}_{name}" for app in ("conversions", "dispatch") for name in BIG]
    lines = [line.strip(" ->") for line in plan.splitlines()]
    return [line for line in lines for name in names if line.startswith((f"Seq Scan on {name} ", f"SCAN {name} "))]


@pytest.fixture
def bucket() -> Bucket:
    """Some weeks of one offer, of which every half-hour is little."""
    offer = make_offer(
        [{"trigger": "page", "event_name": "Purchase"}, {"trigger": "approved", "event_name": "Purchase"}]
    )
    click = make_click(offer)
    make_conversion(click, transaction_id="t1", occurrence_key="t1")
    for hours in range(1, 400):
        moment = NOW - timedelta(hours=hours)
        click.pk, click.created_at = new_click_id(), moment
        click.save(force_insert=True)
        make_postback(offer.network, {}, received_at=moment)
        make_conversion(click, created_at=moment)
    return Bucket(offer, rules_of([offer])[offer.pk], slot_of(NOW), NOW)


def test_a_half_hour_is_made_by_indexes(bucket: Bucket):
    with CaptureQueriesContext(connection) as context:
        making.make_offer(bucket.offer.pk, bucket.starts_at, NOW)
        making.make_network(bucket.offer.network_id, bucket.starts_at, NOW)

    queries = [
        query["sql"] for query in context if query["sql"].startswith("SELECT") and "advisory" not in query["sql"]
    ]
    plans = plans_of(queries)

    assert len(queries) < 25
    assert [line for plan in plans for line in reads_whole(plan)] == []
    for index in ("click_newest", "conversion_newest", "postback_of_network_by_time"):
        assert any(index in plan for plan in plans), index
