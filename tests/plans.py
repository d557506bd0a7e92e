"""How the database reads rows: asked of a table with few of them, whether an index can serve the query."""

import uuid
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from tests.factories import make_conversion, make_delivery


def make_finished_deliveries() -> None:
    """Enough of them that an index of unfinished ones alone is worth it."""
    conversion = make_conversion()
    for _ in range(40):
        make_delivery(conversion, event_id=uuid.uuid4(), status="accepted", next_attempt_at=None)


def plan_by_index(rows: "QuerySet[Any, Any]", **options: Any) -> str:
    """The plan of the query.

    PostgreSQL would read a few rows as a whole, or sort them, for as little as any index costs. It still does where no
    index serves.
    """
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    return rows.explain(**options)
