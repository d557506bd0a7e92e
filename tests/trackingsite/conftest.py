from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from trackingsite import vitals
from trackingsite.readiness import migrations

collect_ignore = ["test_patience_postgresql.py", "test_health_check_postgresql.py"] if settings.IS_SQLITE else []


@pytest.fixture(autouse=True)
def _vitals_are_read_anew() -> None:
    vitals.forget()


@pytest.fixture
def _no_database(db: None) -> Iterator[None]:
    """Every query fails as it does when the database is away."""

    def fail(*args: Any) -> None:
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(fail):
        yield


@pytest.fixture
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of migrations yet."""
    monkeypatch.setattr(migrations, "are_applied", False)
