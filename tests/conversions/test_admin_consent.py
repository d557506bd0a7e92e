"""The list of answers about consent: found, filtered, taken as a file, changed by nobody."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversions.consent import record_answer
from conversions.models import Click, ConsentRecord
from tests.factories import make_click, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
LIST = reverse("admin:conversions_consentrecord_changelist")
VIEW, EXPORT = "conversions.view_consentrecord", "conversions.export_consentrecord"


def answered(state: str = "granted", source: str = "banner", **offer: Any) -> Click:
    click = make_click(make_offer(**offer))
    record_answer(click.pk, state, source, "https://landing.example/page?who=jane", timezone.now())
    return click


def found(**query: Any) -> list[str]:
    """The clicks of the answers that the list shows."""
    response = staff_client(VIEW).get(LIST, query)
    return [record.click_id for record in response.context["cl"].result_list]


def test_finds_and_filters():
    granted, denied = answered(), answered("denied", "TCF", consent_required=True)

    assert found() == [denied.pk, granted.pk]
    assert found(q=granted.pk.upper()) == [granted.pk]
    assert found(q="no click id") == []
    for query in (
        {"state__exact": "denied"},
        {"source": "TCF"},
        {"was_required__exact": "1"},
        {"offer__id__exact": denied.offer_id},
        {"q": denied.pk},
    ):
        assert found(**query) == [denied.pk], query


def test_costs_no_query_more_for_more_answers(django_assert_num_queries: Any):
    client = staff_client(VIEW)
    answered()
    with CaptureQueriesContext(connection) as for_one:
        client.get(LIST)
    for _ in range(5):
        answered()

    with django_assert_num_queries(len(for_one)):
        client.get(LIST)


def test_one_offers_answers_and_those_of_some_days_are_found_by_index():
    click = answered()
    rows = [
        ConsentRecord(click=click, offer=click.offer, state="granted", was_required=False, created_at=timezone.now())
        for _ in range(2000)
    ]
    ConsentRecord.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    other = make_offer()
    assert "consent_newest_for_offer" in ConsentRecord.objects.filter(offer=other)[:50].explain()
    assert "consent_newest" in ConsentRecord.objects.all()[:50].explain()


def test_nobody_changes_an_answer():
    click = answered()
    page = reverse("admin:conversions_consentrecord_change", args=[ConsentRecord.objects.get().pk])
    client = staff_client(VIEW, "conversions.change_consentrecord", "conversions.delete_consentrecord")

    text = client.get(page).content.decode()
    answer = client.post(page, {"state": "denied"})

    assert "Granted" in text
    assert click.pk in text
    assert (answer.status_code, ConsentRecord.objects.get().state) == (403, "granted")


def test_the_list_as_a_file_names_no_query_of_a_page():
    answered()

    response = staff_client(VIEW, EXPORT).post(f"{LIST}export/", {"confirmed": "yes", "format": "csv"})

    text = b"".join(response.streaming_content).decode()
    assert '"An offer","granted",' in text
    assert '"banner","no","https://landing.example/page"' in text
    assert "jane" not in text
