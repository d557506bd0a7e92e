from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from dispatch.tiktok.sandbox import Sandbox

collect_ignore = ["test_exchange_races_postgresql.py"] if settings.IS_SQLITE else ["test_erasure_sqlite.py"]


@pytest.fixture
def sandbox(settings: Any) -> Iterator[Sandbox]:
    """A fresh stand-in for TikTok that our client talks to; it takes any token."""
    with Sandbox.running(accept_any_token=True) as running:
        settings.TIKTOK_API_URL = running.url
        settings.TIKTOK_DEADLINE_SECONDS = 1.0
        yield running
