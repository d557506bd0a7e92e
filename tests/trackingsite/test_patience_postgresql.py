"""What PostgreSQL does not answer soon is given up."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from trackingsite import patience
from trackingsite.patience import in_time

pytestmark = pytest.mark.django_db(transaction=True)


def statement_timeout() -> str:
    with connection.connection.cursor() as cursor:
        return str(cursor.execute("SHOW statement_timeout").fetchone()[0])


def test_a_query_that_takes_too_long_fails(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "STATEMENT_SECONDS", 0.05)

    with pytest.raises(OperationalError, match="statement timeout"), in_time(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_every_query_of_a_probe_is_bounded_and_no_other_one(path: str):
    timeouts = set()

    def note(execute: Any, sql: str, *args: Any) -> Any:
        if not sql.startswith("SELECT set_config"):
            timeouts.add(statement_timeout())
        return execute(sql, *args)

    with connection.execute_wrapper(note):
        Client().get(path)

    assert timeouts == {"5s"}
    assert statement_timeout() == "0"
