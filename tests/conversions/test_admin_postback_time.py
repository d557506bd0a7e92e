"""The inbox filtered by time: of a network by its index, of all by way of the keys."""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversions.admin import inbox
from conversions.admin.inbox_time import key_at
from conversions.models import Postback
from tests.factories import make_network, make_postback
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
LIST = reverse("admin:conversions_postback_changelist")
NOON = timezone.make_aware(datetime(2026, 3, 10, 12))


def received(*moments: datetime) -> list[Postback]:
    network = make_network()
    return [make_postback(network, {}, received_at=moment) for moment in moments]


def found(**query: str) -> set[Any]:
    return set(staff_client("conversions.view_postback").get(LIST, query).context["cl"].result_list)


def days(*numbers: int) -> list[datetime]:
    return [NOON + timedelta(days=number) for number in numbers]


def test_shows_what_came_in_the_span():
    _, second, third, _ = received(*days(0, 1, 2, 3))

    assert found(received_at_from_0="2026-03-11", received_at_to_0="2026-03-12") == {second, third}
    assert found(received_at_from_0="2026-03-12", received_at_from_1="13:00:00") == {Postback.objects.latest("pk")}


def test_one_that_got_its_key_late_is_found_too():
    late = [NOON, NOON + timedelta(minutes=5), NOON + timedelta(minutes=1)]
    rows = received(*late)

    assert found(received_at_from_0="2026-03-10", received_at_to_0="2026-03-10", received_at_to_1="12:02:00") == {
        rows[0],
        rows[2],
    }


def test_of_a_network_all_are_found_the_newest_first_whatever_order_they_were_written_in():
    rows = received(*days(5, 2, 9, 1, 0, 3, 7))
    network = str(rows[0].network_id)
    Postback.objects.update(network=network, outcome="recorded")
    span = {"network__id__exact": network, "received_at_from_0": "2026-03-11", "received_at_to_0": "2026-03-13"}

    with patch.object(inbox, "SEARCHED_FOR_OUTCOME", 3):
        chosen = staff_client("conversions.view_postback").get(LIST, {**span, "outcome__exact": "recorded"})
        of_all = found(**{name: value for name, value in span.items() if name != "network__id__exact"})

    assert list(chosen.context["cl"].result_list) == [rows[5], rows[1], rows[3]]
    assert found(**span) == {rows[5], rows[1], rows[3]}
    assert of_all <= found(**span)


def test_of_what_came_in_a_span_the_newest_are_looked_through_for_an_outcome():
    rows = received(*days(5, 2, 9, 1))
    Postback.objects.update(network=rows[0].network_id, outcome="recorded")
    span = {"network__id__exact": str(rows[0].network_id), "received_at_to_0": "2026-03-16"}

    with patch.object(inbox, "SEARCHED_FOR_OUTCOME", 2):
        assert found(**span, outcome__exact="recorded") == {rows[0], rows[1]}


def test_a_span_of_a_network_is_read_by_an_index():
    network, other = make_network(), make_network()
    Postback.objects.bulk_create(
        Postback(
            network=other if number % 3 else network,
            received_at=NOON - timedelta(minutes=number),
            method="GET",
            outcome="recorded" if number % 7 else "updated",
        )
        for number in range(3000)
    )
    client, day, clock = staff_client("conversions.view_postback"), "2026-03-09", ("10:00:00", "11:00:00")
    span = {
        "received_at_from_0": day,
        "received_at_from_1": clock[0],
        "received_at_to_0": day,
        "received_at_to_1": clock[1],
    }

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST, {"network__id__exact": network.pk, "outcome__exact": "recorded", **span})
    plans = [plan_of(query["sql"]) for query in queries if " BETWEEN " in query["sql"] or ">= " in query["sql"]]

    assert len(plans) == 3
    assert [plan for plan in plans if "postback_of_network_by_time" not in plan] == []


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize("day", ["nonsense", "2026-02-31", ""])
def test_what_is_no_date_limits_nothing(day: str):
    rows = received(NOON)

    assert found(received_at_from_0=day) == set(rows)


@pytest.mark.parametrize(
    "limits",
    [{"received_at_from_0": "0001-01-01"}, {"received_at_to_0": "9999-12-31"}],
)
def test_the_first_and_the_last_day_there_is_limit_nothing(limits: dict[str, str]):
    rows = received(NOON)

    assert found(**limits) == set(rows)


def test_finds_the_key_of_a_moment_over_gaps():
    rows = received(*days(*range(20)))
    Postback.objects.filter(pk__in=[row.pk for row in rows[3:9]]).delete()

    assert key_at(NOON) == rows[0].pk
    assert rows[2].pk < key_at(NOON + timedelta(days=5)) <= rows[9].pk
    assert key_at(NOON + timedelta(days=19)) == rows[19].pk
    assert key_at(NOON + timedelta(days=30)) > rows[19].pk


def test_finds_it_in_few_steps(django_assert_max_num_queries: Any):
    network = make_network()
    Postback.objects.bulk_create(
        Postback(network=network, received_at=NOON + timedelta(seconds=number), method="GET") for number in range(1000)
    )

    with django_assert_max_num_queries(12):
        key_at(NOON + timedelta(seconds=700))


def test_an_empty_inbox_shows_nothing_of_any_time():
    assert found(received_at_from_0="2026-03-10", received_at_to_0="2026-03-10") == set()
