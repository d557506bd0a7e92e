"""The surroundings of browser tests: the sandbox for TikTok, and a site that is not ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from dispatch.tiktok.sandbox import Sandbox
from tests.e2e.static_site import StaticSite

# As long as Playwright waits for anything else: five seconds are too few for a loaded machine.
expect.set_options(timeout=30_000)


@pytest.fixture
def sandbox(settings: Any, live_server: Any) -> Iterator[Sandbox]:
    with Sandbox.running(accept_any_token=True) as running:
        settings.TIKTOK_API_URL = settings.TIKTOK_PIXEL_URL = running.url
        settings.PUBLIC_BASE_URL = live_server.url
        yield running


@pytest.fixture
def static_site() -> Iterator[StaticSite]:
    with StaticSite.running() as running:
        yield running
