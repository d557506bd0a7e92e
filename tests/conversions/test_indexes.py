"""The queries of every turn of the workers find their rows by an index of waiting rows alone."""

import uuid

import pytest
from django.db import connection
from django.utils import timezone

from conversions.models import Conversion, Postback
from conversions.traces import with_digest
from tests.factories import make_click, make_postback


@pytest.mark.django_db
def test_each_finds_its_rows_by_an_index_of_its_own():
    fill_tables()
    transaction = Conversion.objects.filter(transaction_id__in=["T-1", "T-2"]).exclude(transaction_id="")
    queries = [
        ("postback_due", Postback.objects.due(timezone.now()).order_by("due_at")[:500]),
        ("postback_due", Postback.objects.due(timezone.now()).values("pk")[:1]),
        ("conversion_unplanned", Conversion.objects.unplanned().order_by("id")[:500]),
        ("conversion_by_transaction", transaction.order_by("-pk")),
        ("conversion_by_email", with_digest(Conversion, "email_sha256", "a digest")),
        ("conversion_by_phone", with_digest(Conversion, "phone_sha256", "a digest")),
        ("postback_by_email", with_digest(Postback, "email_sha256", "a digest")),
        ("postback_by_phone", with_digest(Postback, "phone_sha256", "a digest")),
    ]

    plans = [(index, query.explain()) for index, query in queries]

    assert [plan for index, plan in plans if index not in plan] == []


def fill_tables() -> None:
    """Thousands of finished rows, as after a few days; a handful that wait."""
    click, now = make_click(), timezone.now()
    waiting = make_postback(click.offer.network, {})
    Postback.objects.bulk_create(
        Postback(network=waiting.network, received_at=now, method="GET", outcome="recorded") for _ in range(3000)
    )
    Conversion.objects.bulk_create(
        Conversion(
            click=click,
            offer=click.offer,
            event_name="Purchase",
            event_id=uuid.uuid4(),
            transaction_id=f"T-{number}",
            occurred_at=now,
            created_at=now,
            planned_at=now if number % 500 else None,
        )
        for number in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
