"""The vitals are read along indexes, however long the history is."""

import copy
import re
import uuid
from typing import TypeVar

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from conversions.models import Conversion
from dispatch import clock
from dispatch.models import Delivery
from tests.factories import make_conversion, make_credential, make_delivery
from trackingsite import vitals

pytestmark = pytest.mark.django_db
UNFINISHED = ["waiting", "leased", "held", "dead"]
Row = TypeVar("Row", bound=Model)


@pytest.fixture
def _full_tables() -> None:
    """Thousands of finished rows; a handful of others."""
    delivery = make_delivery(make_conversion(), status="accepted")
    make_credential(delivery.pixel)
    conversions = [another(delivery.conversion, event_id=uuid.uuid4()) for _ in range(3000)]
    Conversion.objects.bulk_create(conversions)
    deliveries = [another(delivery, conversion=row, event_id=row.event_id) for row in conversions]
    for number, row in enumerate(deliveries[::500]):
        row.status = UNFINISHED[number % len(UNFINISHED)]
    Delivery.objects.bulk_create(deliveries)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def another(row: Row, **fields: object) -> Row:
    """One like it that is not stored yet."""
    new = copy.copy(row)
    for name, value in {"pk": None, **fields}.items():
        setattr(new, name, value)
    return new


@pytest.mark.usefixtures("_full_tables")
def test_no_query_reads_the_finished_rows():
    with CaptureQueriesContext(connection) as captured:
        vitals.read_all(clock.now())
    plans = [plan_of(query["sql"]) for query in captured if query["sql"].startswith("SELECT")]

    used = {index for plan in plans for index in re.findall(r"(?:delivery|conversion|postback)_[a-z]+", plan)}
    assert used >= {"delivery_due", "delivery_leased", "delivery_held", "delivery_dead", "conversion_unplanned"}
    assert any(re.search("(?:COVERING INDEX|Index Only Scan using) delivery_due", plan) for plan in plans)
    assert not [plan for plan in plans if WHOLE_TABLE.search(plan)]


WHOLE_TABLE = re.compile(
    r"Seq Scan on (?:dispatch_delivery|conversions_conversion)\b|SCAN (?:\w*_delivery|\w*_conversion)(?! USING)"
)


def plan_of(sql: str) -> str:
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        cursor.execute(explain + sql.replace("%", "%%"))
        return "\n".join(str(row) for row in cursor.fetchall())
