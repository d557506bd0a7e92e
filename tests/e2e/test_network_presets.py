"""Setting a network up in a real browser: choosing its format fills the form."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from offers.models import Network
from tests.factories import make_network
from tests.staff import staff_client

pytestmark = pytest.mark.django_db(transaction=True)
PERMISSIONS = ["view_network", "add_network", "change_network", "change_network_key", "view_network_secret"]


@pytest.fixture
def page(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A staff member's browser; fails the test when the console complains."""
    client: Client = staff_client(*(f"offers.{name}" for name in PERMISSIONS))
    context = browser.new_context(base_url=live_server.url)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context.add_cookies([session])  # type: ignore[list-item]
    page, complaints = context.new_page(), []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def save(page: Page) -> None:
    with page.expect_navigation():
        page.locator("[name=_save]").click()


def test_a_network_is_connected_with_a_name_and_a_format(page: Page):
    page.goto(reverse("admin:offers_network_add"), wait_until="networkidle")
    page.fill("[name=name]", "House")
    page.select_option("[name=adapter]", "cake")

    expect(page.locator("[name=macros]")).to_have_value(
        "click_id = #s2#\npayout = #price#\ntxid = #leadid#\nts = #utcunixtime#"
    )
    expect(page.locator("[name=link_parameter]")).to_have_value("s2")
    expect(page.locator("[name=new_signing_key]")).to_be_hidden()
    save(page)

    network = Network.objects.get()
    assert (network.slug, network.macros["click_id"]) == ("house", "#s2#")
    expect(page.get_by_text(f"/postback/house/{network.secret.reveal()}/?click_id=#s2#")).to_be_visible()


def test_a_signed_format_asks_for_its_key_and_shows_its_words(page: Page):
    page.goto(reverse("admin:offers_network_add"), wait_until="networkidle")
    page.select_option("[name=adapter]", "shopify")

    expect(page.get_by_label("Webhook signing secret")).to_be_visible()
    expect(page.get_by_text("orders/paid")).to_be_visible()
    expect(page.locator("[name=macros]")).to_have_value("")


def test_what_stood_there_can_be_put_back(page: Page):
    network = make_network(adapter="everflow", macros={"click_id": "{sub9}"}, link_parameter="sub9")
    page.goto(reverse("admin:offers_network_change", args=[network.pk]), wait_until="networkidle")

    page.select_option("[name=adapter]", "affise")
    expect(page.locator("[name=link_parameter]")).to_have_value("sub1")
    page.get_by_role("button", name="Put back what stood there").click()
    save(page)

    network.refresh_from_db()
    assert (network.adapter, network.macros, network.link_parameter) == ("affise", {"click_id": "{sub9}"}, "sub9")
