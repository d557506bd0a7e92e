"""The demo shop in a real browser: both legs of one sale meet under one event_id."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from conversions.models import Conversion
from conversions.tasks import digest
from dispatch.tasks import deliver
from dispatch.tiktok.sandbox import Sandbox
from trackingsite.management.commands.seed_demo import seed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sandbox(settings: Any, live_server: Any) -> Iterator[Sandbox]:
    with Sandbox.running(accept_any_token=True) as running:
        settings.TIKTOK_API_URL = settings.TIKTOK_PIXEL_URL = running.url
        settings.PUBLIC_BASE_URL = live_server.url
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.complaints = []  # type: ignore[attr-defined]
    page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def work() -> None:
    digest()
    deliver()


def buy(page: Page, tracking_url: str) -> None:
    """From the ad to the thank-you page."""
    page.goto(f"{tracking_url}?ttclid=E.C.P.browser&utm_source=tiktok", wait_until="networkidle")
    page.get_by_text("Order now").click()
    page.get_by_label("E-mail").fill("alice@example.com")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button").click()
    page.wait_for_load_state("networkidle")


def legs(sandbox: Sandbox, event: str) -> dict[str, dict[str, Any]]:
    return {copy["leg"]: copy for copy in sandbox.events(event=event)}


def test_both_legs_of_every_event_share_its_event_id(page: Page, sandbox: Sandbox):
    buy(page, seed()["tracking_url"])
    work()

    for name in ("ViewContent", "InitiateCheckout", "Purchase"):
        both = legs(sandbox, name)
        assert set(both) == {"server", "browser"}, name
        assert {copy["event_id"] for copy in both.values()} == {
            str(event_id) for event_id in Conversion.objects.filter(event_name=name).values_list("event_id", flat=True)
        }
        assert sorted(copy["verdict"] for copy in both.values()) == ["counted", "merged"]
    assert page.complaints == []  # type: ignore[attr-defined]


def test_both_legs_carry_the_same_external_id(page: Page, sandbox: Sandbox):
    buy(page, seed()["tracking_url"])
    work()

    both = legs(sandbox, "Purchase")
    assert both["server"]["payload"]["user"]["external_id"][0] in str(both["browser"]["payload"])


def test_a_refreshed_page_is_still_one_event(page: Page, sandbox: Sandbox):
    page.goto(f"{seed()['tracking_url']}?ttclid=E.C.P.browser", wait_until="networkidle")

    page.reload(wait_until="networkidle")
    work()

    assert Conversion.objects.filter(event_name="ViewContent").count() == 1
    assert len({copy["event_id"] for copy in sandbox.events(event="ViewContent")}) == 1


def test_the_sandbox_page_shows_the_merged_legs(page: Page, sandbox: Sandbox):
    buy(page, seed()["tracking_url"])
    work()

    page.goto(sandbox.url)

    row = page.locator("tr", has_text="Purchase").first
    assert "merged" in row.inner_text().lower()
