"""The one-line script on a static page of another host, in a real browser, against the beacons and the sandbox."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from conversions.models import Click, Conversion, Sighting
from dispatch.tiktok.sandbox import Sandbox
from tests.e2e.static_site import StaticSite
from tests.e2e.support import (
    PHONE,
    READY,
    copies,
    has_fired,
    is_recorded,
    make_page_offer,
    one_of_each_leg,
    tag,
    tell_tiktok,
    until,
    until_heard,
    visitor,
)
from tests.factories import make_click

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = """
<a id=buy href="TRACKER/go/?sub2=top">Buy</a> <a id=macro href="https://network.example/?s={click_id}">Go</a>
<form action=/thanks><input type=hidden name=click_id></form>
<button id=lead data-track=Lead data-track-value=19.90>Ask</button>
"""
ADD_TO_CART = "track('AddToCart', {value: 9, contents: [{content_id: 7, quantity: 2, price: '2.75'}]})"
IDENTIFIED_LEAD = """slug => {
  tracking.identify({email: " Alice@Example.com "});
  track("Lead", {value: "5", currency: "usd", description: "to a@b.example"}, {key: 77, offer: slug});
}"""
LATE_LINK = """([address]) => {
  const link = Object.assign(document.createElement("a"), {href: address});
  document.body.append(link);
  link.addEventListener("click", (event) => event.preventDefault());
  link.click();
  return link.href;
}"""
NO_COOKIES = """
Object.defineProperty(Document.prototype, "cookie", {get: () => "", set: () => {}});
for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, {get: () => { throw new DOMException("denied", "SecurityError"); }});
"""


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
def test_a_visit_is_told_alike_on_both_legs(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any, device: dict[str, Any]
):
    offer = make_page_offer()
    static_site.pages["/"] = SHOP.replace("TRACKER", live_server.url) + 2 * tag(live_server.url, offer)
    with visitor(browser, **device) as page:
        page.goto(f"{static_site.url}/?ttclid=E.C.P.static-page")
        until(lambda: has_fired("ViewContent"), page)
        page.dblclick("#lead")
        page.evaluate(ADD_TO_CART)
        until(lambda: has_fired("ViewContent", "Lead", "AddToCart"), page)
        page.reload()
        page.wait_for_function("!macro.href.includes('click_id')")
        page.click("#lead")
        links = page.evaluate("[buy.href, macro.href, document.querySelector('[name=click_id]').value]")
        page.goto("about:blank")
        page.go_back()
        page.wait_for_function("!macro.href.includes('click_id')")
        cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies(static_site.url)}
        tell_tiktok()
        told = {name: one_of_each_leg(sandbox, name, page) for name in ("ViewContent", "Lead", "AddToCart")}

    click = Click.objects.get()
    assert click.ttclid == cookies["ttclid"] == "E.C.P.static-page"
    assert cookies[f"tracking_{offer.slug}"] == click.pk
    assert links == [f"{live_server.url}/go/{click.pk}/?sub2=top", f"https://network.example/?s={click.pk}", click.pk]
    assert {str(c.event_id) for c in Conversion.objects.all()} == {copy["event_id"] for copy in told.values()}
    assert told["Lead"]["payload"]["properties"] == {"value": 19.9, "currency": "EUR"}
    thing = {"content_id": "7", "quantity": 2, "price": 2.75}
    assert told["AddToCart"]["payload"]["properties"] == {"value": 5.5, "currency": "EUR", "contents": [thing]}
    [server_copy] = copies(sandbox, "Lead", "server")
    assert server_copy["payload"]["user"]["external_id"] == [told["Lead"]["payload"]["user"]["external_id"]]


def test_two_offers_and_two_tabs_tell_each_event_once(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    first, second = make_page_offer(), make_page_offer(send_email=True)
    static_site.pages["/"] = tag(live_server.url, first) + tag(live_server.url, second, "data-events=Lead")
    with visitor(browser) as page:
        page.goto(static_site.url)
        until(lambda: Sighting.objects.count() == 2, page)
        other = page.context.new_page()
        other.goto(static_site.url)
        other.wait_for_function("Object.keys(tracking.offers).length == 2 && tracking.link('', 'x').length > 50")
        for tab in (page, other):
            with tab.expect_response("**/event/"):
                tab.evaluate(IDENTIFIED_LEAD, second.slug)
        until(lambda: Sighting.objects.count() == 3, page)
        tell_tiktok()
        until(lambda: [copy for copy in copies(sandbox, "Lead", "browser") if copy["payload"]["properties"]], page)
        leads = copies(sandbox, "Lead", "browser")

    assert Click.objects.count() == 2
    assert Conversion.objects.filter(offer=second, event_name="Lead").count() == 2
    assert {copy["pixel_code"] for copy in leads} == {second.pixel.code}
    [keyed] = {copy["event_id"] for copy in leads if copy["payload"]["properties"]}
    [server_copy] = sandbox.events(event_id=keyed, leg="server")
    [browser_copy, *_] = sandbox.events(event_id=keyed, leg="browser")
    assert server_copy["payload"]["properties"] == browser_copy["payload"]["properties"]
    assert browser_copy["payload"]["properties"] == {"value": 5, "currency": "USD", "description": "to [hidden]"}
    assert server_copy["payload"]["user"]["email"] == [browser_copy["payload"]["user"]["email"]]
    assert not [copy for copy in sandbox.events(pixel_code=first.pixel.code) if "email" in copy["payload"]["user"]]


def test_what_the_offer_does_not_know_is_a_warning_and_late_links_are_done_when_clicked(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer()
    static_site.pages["/"] = tag(live_server.url, offer)
    with visitor(browser, expected="tracking: ") as page:
        page.goto(static_site.url)
        page.wait_for_function(READY)
        with page.expect_console_message(lambda message: '"Nonsense"' in message.text):
            page.evaluate(
                "track('Nonsense'); tracking.push(['nonsense'], ['track', 'Lead', 7, null], ['consent', 'maybe'])"
            )
        late = page.evaluate(LATE_LINK, [f"{live_server.url}/go/{offer.slug}/?sub3=late#top"])
        strange = page.evaluate(LATE_LINK, [f"{live_server.url}/go/another-offer/"])

    assert late == f"{live_server.url}/go/{Click.objects.get().pk}/?sub3=late#top"
    assert strange == f"{live_server.url}/go/another-offer/"


def test_without_cookies_a_click_id_in_the_address_still_leads_to_its_click(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer()
    static_site.pages["/"] = tag(live_server.url, offer)
    with visitor(browser) as page:
        page.add_init_script(NO_COOKIES)
        page.goto(static_site.url)
        until(lambda: has_fired("ViewContent"), page)
        page.goto(f"{static_site.url}/?click_id={Click.objects.get().pk}")
        page.wait_for_function(READY)

    assert Click.objects.count() == Conversion.objects.count() == 1


def test_a_slow_and_a_failing_network_lose_no_event(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer()
    static_site.pages["/"] = SHOP.replace("TRACKER", live_server.url) + tag(live_server.url, offer)
    held: list[Route] = []
    with visitor(browser, expected="net::ERR_INTERNET_DISCONNECTED") as page:
        page.route("**/arrival/", lambda route: held.append(route))
        page.route("**/event/", lambda route: route.abort("internetdisconnected"))
        page.goto(static_site.url)
        page.click("#lead")
        until(lambda: held, page)
        assert page.evaluate("document.querySelector('#buy').href").endswith("/go/?sub2=top")

        held[0].continue_()
        until(lambda: len(copies(sandbox, "Lead", "browser")) == 1, page)
        page.wait_for_function(f"JSON.parse(sessionStorage['tracking_unsent_{offer.slug}']).length == 2")
        assert not Conversion.objects.exists()
        page.unroute("**/arrival/")
        page.unroute("**/event/")
        page.reload()
        until(lambda: has_fired("ViewContent") and is_recorded("Lead"), page)
        tell_tiktok()
        lead = copies(sandbox, "Lead", "browser")[0]

    assert Click.objects.count() == 1
    assert {copy["event_id"] for copy in sandbox.events(event="Lead")} == {lead["event_id"]}
    assert len(copies(sandbox, "Lead", "server")) == 1


def test_what_tiktok_was_told_is_not_told_again_though_the_server_has_not_heard_of_it(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer()
    static_site.pages["/"] = SHOP.replace("TRACKER", live_server.url) + tag(live_server.url, offer)
    with visitor(browser, expected="net::ERR_INTERNET_DISCONNECTED") as page:
        page.route("**/sighting/", lambda route: route.abort("internetdisconnected"))
        page.goto(static_site.url)
        page.click("#lead")
        page.wait_for_function("(sessionStorage.tracking_fired || '').trim().split(' ').length == 2")
        page.unroute("**/sighting/")
        page.reload()
        page.click("#lead")
        until(lambda: has_fired("ViewContent", "Lead"), page)
        until_heard(sandbox, page, "ViewContent", "Lead")

    assert has_fired("ViewContent", "Lead")
    assert [len(copies(sandbox, name, "browser")) for name in ("ViewContent", "Lead")] == [1, 1]


@pytest.mark.parametrize(
    ("block", "patience", "detail"),
    [
        (lambda route: route.abort("blockedbyclient"), 0, "script failed"),
        (lambda route: route.fulfill(body=""), 11_000, "script did not start"),
    ],
    ids=["aborted", "emptied"],
)
def test_a_blocked_pixel_is_seen_and_the_server_still_tells(
    browser: Browser,
    sandbox: Sandbox,
    static_site: StaticSite,
    live_server: Any,
    block: Callable[[Route], None],
    patience: int,
    detail: str,
):
    offer = make_page_offer()
    static_site.pages["/"] = tag(live_server.url, offer)
    with visitor(browser, expected="net::ERR_BLOCKED_BY_CLIENT") as page:
        page.route("**/events.js*", block)
        page.clock.install()
        page.goto(static_site.url)
        until(lambda: Conversion.objects.exists(), page)
        page.clock.run_for(patience)
        until(lambda: Sighting.objects.exists(), page)
        tell_tiktok()

    seen = Sighting.objects.get()
    assert (seen.outcome, seen.detail) == ("blocked", detail)
    assert [(copy["leg"], copy["event"]) for copy in sandbox.events()] == [("server", "ViewContent")]


def test_a_shared_link_brings_nobody_elses_click_and_one_of_ones_own(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer()
    static_site.pages["/"] = tag(live_server.url, offer)
    theirs = make_click(offer, consent="granted", user_agent="another browser")
    with visitor(browser) as page:
        for _ in range(2):
            page.context.clear_cookies(name="click_id")  # as on a host that is not the tracker's site
            page.goto(f"{static_site.url}/?click_id={theirs.pk}")
            page.wait_for_function("!location.search")

    assert Click.objects.exclude(pk=theirs.pk).get().consent == "unknown"
