"""The queries of every turn of the workers find their rows by an index of waiting rows alone."""

import uuid

import pytest
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from conversions.models import Conversion, Postback
from conversions.traces import with_digest
from tests.factories import make_click, make_postback

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _full_tables() -> None:
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


def test_due_postbacks():
    assert "postback_due" in Postback.objects.due(timezone.now()).order_by("due_at")[:500].explain()


def test_whether_any_postback_is_due():
    assert "postback_due" in Postback.objects.due(timezone.now()).values("pk")[:1].explain()


def test_unplanned_conversions():
    assert "conversion_unplanned" in Conversion.objects.unplanned().order_by("id")[:500].explain()


def test_conversions_of_a_transaction():
    found = Conversion.objects.filter(transaction_id__in=["T-1", "T-2"]).exclude(transaction_id="").order_by("-pk")

    assert "conversion_by_transaction" in found.explain()


@pytest.mark.parametrize("model", [Conversion, Postback])
@pytest.mark.parametrize("name", ["email", "phone"])
def test_rows_that_name_a_person(model: type[Model], name: str):
    found = with_digest(model, f"{name}_sha256", "a digest")

    assert f"{model._meta.model_name}_by_{name}" in found.explain()
