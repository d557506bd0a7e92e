"""Django pages in a real browser under a strict policy of scripts, with a visitor who has to be asked first."""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route

from conversions.identity import sha256
from conversions.models import Click, ConsentRecord, Conversion, Sighting
from dispatch.tiktok.sandbox import Sandbox
from tests.e2e.pages import HOSTILE
from tests.e2e.support import (
    PHONE,
    copies,
    facts,
    has_fired,
    make_page_offer,
    one_of_each_leg,
    tell_tiktok,
    until,
    visitor,
)
from trackingsite.management.commands.seed_demo import seed

pytestmark = pytest.mark.django_db(transaction=True)


def requests_to(sandbox: Sandbox, page: Page) -> list[str]:
    """The addresses that the page asks TikTok for, from now on."""
    asked: list[str] = []
    page.on("request", lambda request: request.url.startswith(sandbox.url) and asked.append(request.url))
    return asked


def are_told_alike(sandbox: Sandbox, page: Page, *names: str) -> None:
    """Each event once on either leg, with one id, value and time."""
    for name in names:
        browsers, [servers] = one_of_each_leg(sandbox, name, page), copies(sandbox, name, "server")
        assert abs(browsers["payload"]["event_time"] - servers["payload"]["event_time"]) < 60
        assert str(Conversion.objects.get(event_name=name).event_id) == browsers["event_id"]


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
def test_nothing_is_told_before_consent_all_of_it_after_and_nothing_once_it_is_withdrawn(
    browser: Browser, sandbox: Sandbox, device: dict[str, Any]
):
    url = f"{seed()['consent_tracking_url']}?ttclid=E.C.P.django-page"
    with visitor(browser, **device) as page:
        asked = requests_to(sandbox, page)
        page.goto(url, wait_until="networkidle")
        page.get_by_role("button", name="Decline").click()
        until(lambda: Click.objects.filter(consent="denied").exists(), page)
        tell_tiktok()
        assert (asked, sandbox.events()) == ([], [])

        page.get_by_role("button", name="Privacy choices").click()
        page.get_by_role("button", name="Accept").click()
        page.get_by_role("textbox").fill("alice@example.com")
        page.get_by_role("button", name="Send me the discount").dblclick()
        until(lambda: has_fired("ViewContent", "Lead"), page)
        tell_tiktok()
        are_told_alike(sandbox, page, "ViewContent", "Lead")

        page.get_by_role("button", name="Privacy choices").click()
        page.get_by_role("button", name="Decline").click()
        until(lambda: Click.objects.filter(consent="withdrawn").exists(), page)
        page.get_by_text("Order now").click()
        page.wait_for_load_state("networkidle")
        tell_tiktok()
    assert copies(sandbox, "InitiateCheckout", "browser") == copies(sandbox, "InitiateCheckout", "server") == []
    answers = ConsentRecord.objects.order_by("id").values_list("state", "source")
    assert list(answers) == [(state, "demo banner") for state in ("denied", "granted", "withdrawn")]
    [lead] = copies(sandbox, "Lead", "browser")
    assert lead["payload"]["properties"] == {"value": 5, "currency": "USD"}
    assert lead["payload"]["user"]["email"] == copies(sandbox, "Lead", "server")[0]["payload"]["user"]["email"][0]


def test_a_page_that_is_opened_again_is_no_second_arrival_and_fires_nothing_twice(browser: Browser, sandbox: Sandbox):
    url = f"{seed()['landing_url']}?ttclid=E.C.P.direct"
    with visitor(browser) as page:
        page.goto(url)
        until(lambda: has_fired("ViewContent"), page)
        page.reload(wait_until="networkidle")
        page.get_by_text("Order now").click()
        until(lambda: has_fired("ViewContent", "InitiateCheckout"), page)
        page.go_back(wait_until="networkidle")
        page.go_forward(wait_until="networkidle")
        page.go_back(wait_until="networkidle")
        second = page.context.new_page()
        second.goto(url, wait_until="networkidle")
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        tell_tiktok()
        are_told_alike(sandbox, page, "ViewContent", "InitiateCheckout")

    click = Click.objects.get()
    assert (cookies["click_id"]["value"], cookies["click_id"]["httpOnly"]) == (click.pk, True)


def test_a_blocked_pixel_and_a_browser_without_cookies_leave_the_server_leg(browser: Browser, sandbox: Sandbox):
    url = f"{seed()['tracking_url']}?ttclid=E.C.P.blocked"
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(document, 'cookie', {get: () => '', set: () => true})")
    page = context.new_page()
    context.route("**/*", lambda route: route.continue_(headers={**route.request.headers, "cookie": ""}))
    context.route(f"{sandbox.url}/**", lambda route: route.abort())
    page.goto(url)
    until(lambda: Sighting.objects.filter(outcome="blocked").exists(), page)
    page.get_by_text("Order now").click()
    page.get_by_role("button").click()
    page.wait_for_url("**/thank-you/*")
    tell_tiktok()
    context.close()

    assert Click.objects.count() == 1
    for name in ("ViewContent", "InitiateCheckout", "Purchase"):
        assert [copy["leg"] for copy in sandbox.events(event=name)] == ["server"]


NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError") } })"""


@pytest.mark.parametrize("before", ["", NO_STORAGE], ids=["storage", "no storage"])
def test_a_page_that_the_browser_has_kept_tells_tiktok_nothing_after_a_withdrawal(
    browser: Browser, sandbox: Sandbox, before: str
):
    url = seed()["landing_url"]
    with visitor(browser) as page:
        page.add_init_script(before)
        page.goto(url)
        until(lambda: has_fired("ViewContent"), page)
        page.reload(wait_until="networkidle")  # with its cookies, or the browser would not show the page that it keeps
        page.get_by_text("Order now").click()
        until(lambda: has_fired("ViewContent", "InitiateCheckout"), page)
        page.evaluate("tracking.consent('withdrawn', 'footer')")
        until(lambda: not Click.objects.filter(consent="unknown").exists(), page)
        asked = requests_to(sandbox, page)
        page.go_back(wait_until="networkidle")
        page.goto(url, wait_until="networkidle")

    assert asked == []


def test_a_refusal_that_only_the_browser_knows_counts_before_the_script_is_there(browser: Browser, sandbox: Sandbox):
    url = f"{seed()['landing_url']}?ttclid=E.C.P.refused"
    with visitor(browser) as page:
        page.add_init_script("localStorage.setItem('tracking_consent', 'denied')")
        asked = requests_to(sandbox, page)
        page.goto(url, wait_until="networkidle")
        until(lambda: Click.objects.filter(consent="denied").exists(), page)

    assert asked == []
    assert Click.objects.get().consent == "denied"


def click_id() -> str:
    return Click.objects.get().pk


def test_what_tiktoks_script_has_not_seen_at_a_withdrawal_it_does_not_see(
    browser: Browser, sandbox: Sandbox, live_server: Any
):
    url, slow = seed()["landing_url"], list[Route]()
    with visitor(browser) as page:
        page.route(f"{sandbox.url}/i18n/**", lambda route: slow.append(route))
        page.goto(url, wait_until="domcontentloaded")
        until(lambda: page.evaluate("window.tracking?.link?.()") == f"{live_server.url}/go/{click_id()}/", page)
        page.evaluate("tracking.consent('withdrawn', 'footer')")
        until(lambda: slow and Click.objects.exclude(consent="unknown").exists(), page)
        slow[0].continue_()
        until(lambda: page.evaluate("!!ttq._sandbox"), page)
        page.wait_for_load_state("networkidle")

    assert sandbox.events() == []


def events_of_browser(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [copy for copy in sandbox.events(leg="browser") if copy["event"] != "Pageview"]


def identities(sandbox: Sandbox, code: str) -> list[dict[str, str]]:
    """Whom the Pixel names with each of a pixel's events, cookies and ad clicks aside."""
    found = [copy["payload"]["user"] for copy in sandbox.events(leg="browser") if copy["pixel_code"] == code]
    return [{name: user[name] for name in ("email", "phone", "external_id") if name in user} for user in found]


def test_offers_on_one_page_tell_their_own_pixels_whom_they_may_and_hostile_text_stays_text(
    browser: Browser, sandbox: Sandbox, settings: Any, live_server: Any
):
    settings.ROOT_URLCONF = "tests.e2e.pages"
    one, two, asks = (
        make_page_offer(slug=slug, send_email=slug == "one", consent_required=slug == "asks")
        for slug in ("one", "two", "asks")
    )
    with visitor(browser) as page:
        tabs = page, page.context.new_page()
        for tab in tabs:
            tab.goto(f"{live_server.url}/two-offers/?q={quote(HOSTILE)}&ttclid=E.C.P.{'x' * 1500}")
            until(lambda: Sighting.objects.count() == len(events_of_browser(sandbox)) == 4, tab)
            tab.wait_for_load_state("networkidle")
        text = page.get_by_role("link").inner_text()
        tell_tiktok()

    assert "<script>alert(1)</script>" in text
    assert Click.objects.count() == 3
    for offer, name, count in ((one, "ViewContent", 1), (two, "ViewContent", 1), (two, "Lead", 2)):
        both = [
            sorted(facts(copy) for copy in copies(sandbox, name, leg) if copy["pixel_code"] == offer.pixel.code)
            for leg in ("browser", "server")
        ]
        assert both[0] == both[1]
        assert len(both[0]) == count
    [told] = [copy for copy in copies(sandbox, "ViewContent", "browser") if copy["pixel_code"] == one.pixel.code]
    assert told["payload"]["properties"]["description"].startswith("</script><script>alert(1)</script>")
    ids = {click.offer_id: sha256(click.pk) for click in Click.objects.all()}
    alice = {"email": sha256("alice@example.com"), "external_id": ids[one.pk]}
    assert [who for who in identities(sandbox, one.pixel.code) if who != alice] == []
    assert [who for who in identities(sandbox, two.pixel.code) if who != {"external_id": ids[two.pk]}] == []
    assert identities(sandbox, asks.pixel.code) == []
