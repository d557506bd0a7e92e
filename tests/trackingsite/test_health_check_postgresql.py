"""A kept connection is not asked for its health with every hot call, and one that is gone is never used."""

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversions.models import Postback
from tests.conversions.support import postback_url
from tests.factories import make_network

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def url() -> str:
    return postback_url(make_network())


def end_session_of(number: int) -> None:
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
    other.close()


def test_a_quiet_connection_is_not_asked(url: str):
    Client().get(url)

    connection.health_check_done = False
    with CaptureQueriesContext(connection) as queries:
        Client().get(url)

    assert [query["sql"].split()[0] for query in queries] == ["INSERT"]
    assert connection.health_check_done


@pytest.mark.parametrize("times", [1, 8])
def test_a_session_that_the_server_has_ended_loses_no_postback(url: str, times: int):
    before = [Client().get(url).status_code for _ in range(times)]
    end_session_of(connection.connection.info.backend_pid)
    connection.health_check_done = False

    after = Client().get(url).status_code

    assert {*before, after} == {200}
    assert Postback.objects.count() == times + 1
