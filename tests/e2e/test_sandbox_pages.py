"""The sandbox's pages in a real browser: they follow what arrives, and their buttons work."""

import re

import pytest
from playwright.sync_api import expect

from dispatch.tiktok.sandbox import Sandbox
from tests.dispatch.sandbox_client import PIXEL, TOKEN, track


@pytest.fixture
def sandbox():
    with Sandbox.running() as sandbox:
        sandbox.register_token(PIXEL, TOKEN)
        yield sandbox


@pytest.fixture
def page(browser, sandbox):
    """Fails the test when the console complains, of its own security policy for instance."""
    context = browser.new_context()
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(sandbox.url)
    yield page
    context.close()
    assert complaints == []


def test_shows_an_event_by_itself_and_leaves_the_search_alone(page, sandbox):
    page.fill("[name=q]", "half typed")

    track(sandbox)

    expect(page.get_by_role("link", name="Purchase")).to_be_visible()
    expect(page.locator("[name=q]")).to_have_value("half typed")


def test_sets_a_failure_mode(page, sandbox):
    page.click("summary")
    page.select_option("[name=mode]", "code")
    page.fill(".mode [name=code]", "40100")
    page.get_by_role("button", name="Set").click()

    expect(page.locator("#live-mode")).to_contain_text("answer with a code 40100")
    assert track(sandbox)["code"] == 40100


def test_revokes_a_token_and_accepts_it_again(page, sandbox):
    page.get_by_role("link", name="Tokens").click()

    page.get_by_role("button", name="Revoke this token").click()
    expect(page).to_have_url(re.compile("/tokens$"))
    expect(page.get_by_text("revoked")).to_be_visible()
    assert track(sandbox)["code"] == 40105

    page.get_by_role("button", name="Accept again").click()
    expect(page.get_by_text("active")).to_be_visible()
    assert track(sandbox)["code"] == 0


def test_forgets_everything(page, sandbox):
    track(sandbox)
    expect(page.get_by_role("link", name="Purchase")).to_be_visible()

    page.get_by_role("button", name="Forget everything").click()

    expect(page.get_by_text("No event yet")).to_be_visible()
    assert sandbox.events() == []
