"""A comparison in a real browser: the page says that it compares, shows the lines, and owns up when they don't come."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.support import visitor
from tests.factories import make_click, make_conversion, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db(transaction=True)
NO_ANSWER = "Failed to load resource"


@pytest.fixture
def address(live_server: Any) -> str:
    """Of a comparison with the network of an offer that has a sale of today."""
    offer = make_offer()
    make_conversion(make_click(offer))
    url = reverse("admin:dispatch_report_network")
    return f"{live_server.url}{url}?offer={offer.pk}&period=30&count=3&payout=120&counts=approved"


def logged_in(page: Page, address: str) -> Page:
    cookie = staff_client("dispatch.view_report").cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address.split("/admin")[0]}])
    return page


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with visitor(browser, expected=NO_ANSWER) as page:
        yield logged_in(page, address)


def test_the_page_says_that_it_compares_until_the_lines_are_there(page: Page, address: str):
    held: list[Route] = []
    page.route("**/*answer=1", lambda route: held.append(route))

    page.goto(address)
    expect(page.get_by_role("status")).to_have_text("Comparing with 30 days of conversions …")
    expect(page.locator(".upload-bar")).to_be_visible()
    held.pop().continue_()

    expect(page.get_by_role("rowheader", name="Unexplained")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Compared with 30 days of conversions.")
    expect(page.locator(".upload-bar")).to_be_hidden()


def test_an_answer_that_does_not_come_is_told_and_can_be_asked_for_again(page: Page, address: str):
    page.route("**/*answer=1", lambda route: route.abort(), times=1)

    page.goto(address)
    expect(page.get_by_role("status")).to_contain_text("The comparison did not come")
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("rowheader", name="Unexplained")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()


def test_the_login_page_is_never_taken_for_the_lines(page: Page, address: str):
    page.route("**/*answer=1", lambda route: (page.context.clear_cookies(), route.abort()), times=1)
    page.goto(address)

    with page.expect_response(lambda response: "/login/" in response.url):
        page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("status")).to_contain_text("you are no longer logged in")
    expect(page.locator("input[type=password]")).to_have_count(0)
