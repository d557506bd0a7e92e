from collections.abc import Iterator
from typing import Any

import pytest

from dispatch.tiktok.sandbox import Sandbox


@pytest.fixture
def sandbox(settings: Any) -> Iterator[Sandbox]:
    """A fresh stand-in for TikTok that our client talks to; it takes any token."""
    with Sandbox.running(accept_any_token=True) as running:
        settings.TIKTOK_API_URL = running.url
        settings.TIKTOK_DEADLINE_SECONDS = 1.0
        yield running


@pytest.fixture(autouse=True)
def _turns_have_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn ends when nothing is left, however slow the machine: what it left would settle itself after the test."""
    monkeypatch.setattr("dispatch.sender.TURN_SECONDS", 60.0)
