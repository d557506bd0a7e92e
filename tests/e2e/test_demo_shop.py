"""The demo shop in a real browser: both legs of one sale meet under one event_id."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from conversions.models import Conversion
from dispatch.tiktok.sandbox import Sandbox
from tests.e2e.support import has_fired, tell_tiktok, until, until_heard, visitor
from trackingsite.management.commands.seed_demo import seed

pytestmark = pytest.mark.django_db(transaction=True)


EVENTS = ("ViewContent", "InitiateCheckout", "Purchase")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with visitor(browser) as page:
        yield page


def buy(page: Page, sandbox: Sandbox) -> None:
    """From the ad to the thank-you page, each page for as long as the Pixel takes; then both legs are told."""
    page.goto(f"{seed()['tracking_url']}?ttclid=E.C.P.browser&utm_source=tiktok")
    until(lambda: has_fired(*EVENTS[:1]), page)
    page.get_by_text("Order now").click()
    page.get_by_label("E-mail").fill("alice@example.com")
    until(lambda: has_fired(*EVENTS[:2]), page)
    page.get_by_role("button").click()
    until_heard(sandbox, page, *EVENTS)
    tell_tiktok()


def legs(sandbox: Sandbox, event: str) -> dict[str, dict[str, Any]]:
    return {copy["leg"]: copy for copy in sandbox.events(event=event)}


def test_both_legs_of_every_event_share_its_event_id(page: Page, sandbox: Sandbox):
    buy(page, sandbox)

    for name in EVENTS:
        both = legs(sandbox, name)
        assert set(both) == {"server", "browser"}, name
        assert {copy["event_id"] for copy in both.values()} == {
            str(event_id) for event_id in Conversion.objects.filter(event_name=name).values_list("event_id", flat=True)
        }
        assert sorted(copy["verdict"] for copy in both.values()) == ["counted", "merged"]


def test_both_legs_carry_the_same_external_id(page: Page, sandbox: Sandbox):
    buy(page, sandbox)

    both = legs(sandbox, "Purchase")
    assert both["server"]["payload"]["user"]["external_id"][0] in str(both["browser"]["payload"])


def test_a_refreshed_page_is_still_one_event(page: Page, sandbox: Sandbox):
    page.goto(f"{seed()['tracking_url']}?ttclid=E.C.P.browser", wait_until="networkidle")

    page.reload(wait_until="networkidle")
    tell_tiktok()

    assert Conversion.objects.filter(event_name="ViewContent").count() == 1
    assert len({copy["event_id"] for copy in sandbox.events(event="ViewContent")}) == 1


def test_the_sandbox_page_shows_the_merged_legs(page: Page, sandbox: Sandbox):
    buy(page, sandbox)

    page.goto(sandbox.url)

    row = page.locator("tr", has_text="Purchase").first
    assert "merged" in row.inner_text().lower()
