import io
import logging
from collections.abc import Iterator

import pytest
from django.conf import settings

from conversions.wake import Waker
from trackingsite.redaction import RedactingFilter

collect_ignore = ["test_coverage_plans_postgresql.py", "test_rings_postgresql.py"] if settings.IS_SQLITE else []


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that a wake-up was asked for."""
    tasks: list[str] = []
    monkeypatch.setattr(Waker, "ask", lambda waker: tasks.append(waker.task))
    return tasks


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the site's own log handler writes, as its filter and its formatter leave it."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler)]
    handler = next(h for h in handlers if any(isinstance(f, RedactingFilter) for f in h.filters))
    stream = io.StringIO()
    before = handler.setStream(stream)
    yield stream
    handler.setStream(before)
