"""Consent while the network fails, in several tabs, beside other offers: the visitor's last answer is in force."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route

from conversions.base_code import base_code, call, push, script_json
from conversions.consent import record_answer
from conversions.models import Click, ConsentRecord, Conversion
from conversions.page_state import state_of
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.e2e.static_site import StaticSite
from tests.e2e.support import (
    READY,
    agree,
    copies,
    has_fired,
    is_recorded,
    keeping_pages,
    make_page_offer,
    tag,
    tell_tiktok,
    until,
    until_heard,
    visitor,
)

pytestmark = pytest.mark.django_db(transaction=True)


def answers() -> list[str]:
    return list(Click.objects.order_by("created_at").values_list("consent", flat=True))


def answered(*expected: str) -> Any:
    return lambda: answers() == list(expected)


def test_an_agreement_that_arrives_late_does_not_override_a_refusal(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    static_site.pages["/"] = tag(live_server.url, make_page_offer(consent_required=True))
    told: list[str] = []

    def fail_once(route: Route) -> None:
        told.append(json.loads(route.request.post_data or "")["state"])
        route.fulfill(status=503, body="{}") if len(told) == 1 else route.continue_()

    with visitor(browser, expected="503") as page:
        page.route("**/consent/", fail_once)
        page.clock.install(time=0)
        page.goto(static_site.url)
        until(lambda: is_recorded("ViewContent"), page)
        page.clock.pause_at(3600)
        with page.expect_response("**/consent/"):
            page.evaluate("tracking.consent('granted')")
        page.evaluate("tracking.consent('denied')")
        until(answered("denied"), page)
        page.clock.run_for(6_000)
        page.evaluate("track('Lead')")
        until(lambda: is_recorded("Lead"), page)
        tell_tiktok()

    assert told == ["granted", "denied"]
    assert answers() == ["denied"]
    assert sandbox.events(leg="server") == []


def rendered(offer: Offer, click: Click, tracker: str) -> str:
    """What the template tags print for a click, with one event."""
    state = state_of(click, timezone.now())
    pixel, event_id = state["pixel"], state["events"]["Lead"]["event_id"]
    assert pixel is not None
    calls = [
        base_code(pixel["src"]),
        call("ttq.load", pixel["code"]),
        "ttq.page();",
        call("ttq.track", "Lead", {}, {"event_id": event_id, "pixel_code": pixel["code"]}),
        push("state", state),
        push("fired", event_id, offer.slug),
    ]
    return f"<script>{''.join(calls)}</script>" + tag(tracker, offer)


def test_a_withdrawal_that_never_arrived_is_told_by_the_next_page_and_stops_its_tags(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer(consent_required=True)
    static_site.pages["/"] = tag(live_server.url, offer)
    with visitor(browser) as page:
        page.goto(static_site.url)
        agree(page)
        until(lambda: has_fired("ViewContent"), page)
        until_heard(sandbox, page, "Pageview", "ViewContent")
        page.evaluate("fetch = () => Promise.reject(); tracking.consent('withdrawn')")
        static_site.pages["/tags"] = rendered(offer, Click.objects.get(), live_server.url)
        page.close()
        events_before = len(sandbox.events())

        held: list[Route] = []
        other = page.context.new_page()
        other.route("**/events.js*", lambda route: held.append(route))
        other.goto(f"{static_site.url}/tags", wait_until="commit")
        until(lambda: held and answers() == ["withdrawn"], other)
        held[0].continue_()
        other.evaluate("new Promise((done) => ttq.ready(done))")
        other.evaluate("track('AddToCart')")
        until(lambda: is_recorded("AddToCart"), other)
        tell_tiktok()

    assert len(sandbox.events()) == events_before + len(copies(sandbox, "ViewContent", "server"))
    assert list(ConsentRecord.objects.order_by("pk").values_list("state", "source")) == [
        ("granted", "page"),
        ("withdrawn", "remembered"),
    ]


def test_a_withdrawal_in_one_tab_holds_in_the_others(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    static_site.pages["/"] = tag(live_server.url, make_page_offer(consent_required=True))
    with visitor(browser) as page:
        page.goto(static_site.url)
        agree(page)
        until(lambda: has_fired("ViewContent"), page)
        other = page.context.new_page()
        other.goto(f"{static_site.url}/?x=%20a&click_id={Click.objects.get().pk}&y#z")
        other.wait_for_function(READY)
        assert other.evaluate("location.href") == f"{static_site.url}/?x=%20a&y#z"

        other.evaluate("tracking.consent('withdrawn')")
        page.wait_for_function("localStorage.tracking_consent")
        page.evaluate("track('Lead')")
        until(lambda: is_recorded("Lead") and answers() == ["withdrawn"], page)
        tell_tiktok()

    assert sandbox.events(event="Lead") == []
    assert ConsentRecord.objects.count() == 2


def leave_early(page: Page, address: str, said: str) -> str:
    """Open a page, say something and go on before the arrival is answered; what the browser keeps for the next page."""
    held: list[Route] = []
    page.route("**/arrival/", lambda route: held.append(route))
    page.goto(address)
    until(lambda: held, page)
    page.evaluate(said)
    page.goto(f"{address.partition('?')[0]}/elsewhere")
    held[0].abort()
    page.unroute("**/arrival/")
    return str(page.evaluate("JSON.stringify({...sessionStorage})"))


def test_who_leaves_before_the_arrival_is_answered_leaves_the_refusal_and_no_event_of_another_visit(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    static_site.pages["/"] = tag(live_server.url, make_page_offer())
    new_visit = f"{static_site.url}?ttclid=E.C.P.second-visit&email=alice@example.com"
    with visitor(browser) as page:
        page.goto(static_site.url)
        until(lambda: has_fired("ViewContent"), page)
        kept = leave_early(page, new_visit, "track('AddToCart', {note: 'alice@example.com'}, null)")
        page.goto(new_visit)
        until(lambda: is_recorded("AddToCart") and Conversion.objects.count() == 3, page)
        leave_early(page, static_site.url, "tracking.consent('denied'); track('Lead')")
        until(lambda: "denied" in answers(), page)
        assert not is_recorded("Lead")

        page.goto(static_site.url)
        until(lambda: is_recorded("Lead"), page)
        tell_tiktok()

    first, second = Click.objects.order_by("created_at")
    assert "AddToCart" in kept
    assert "alice" not in kept
    assert set(first.conversions.values_list("event_name", flat=True)) == {"ViewContent"}
    assert set(second.conversions.values_list("event_name", flat=True)) == {"ViewContent", "AddToCart", "Lead"}
    assert second.consent == "denied"
    assert sandbox.events(event="Lead") == []


def test_the_last_answer_stands_though_the_request_of_an_older_one_comes_later(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    static_site.pages["/"] = tag(live_server.url, make_page_offer(consent_required=True))
    with visitor(browser) as page:
        page.goto(static_site.url)
        page.wait_for_function(READY)
        with page.expect_request("**/consent/") as slow:
            page.evaluate("tracking.consent('granted')")
        page.goto(f"{static_site.url}/?second")
        page.wait_for_function(READY)
        page.evaluate("tracking.consent('denied')")
        until(lambda: answers() in (["denied"], ["withdrawn"]), page)
        refused = answers()
        Client().post(urlsplit(slow.value.url).path, slow.value.post_data, "text/plain", HTTP_ORIGIN=static_site.url)

    assert answers() == refused
    assert ConsentRecord.objects.filter(state="granted", was_overtaken=True).count() == 1


def test_a_page_whose_agreement_a_newer_refusal_overtook_falls_silent(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    static_site.pages["/"] = tag(live_server.url, make_page_offer(consent_required=True))
    with visitor(browser) as page:
        page.goto(f"{static_site.url}?ttclid=E.C.P.overtaken")
        until(lambda: is_recorded("ViewContent"), page)
        Click.objects.update(consent="denied", consent_said_at=timezone.now() + timedelta(minutes=1))
        page.evaluate("tracking.consent('granted')")
        page.wait_for_function("!document.cookie.includes('ttclid')")
        page.evaluate("track('Lead')")
        until(lambda: is_recorded("Lead"), page)
        tell_tiktok()

    assert answers() == ["denied"]
    assert [record.was_overtaken for record in ConsentRecord.objects.all()] == [True]
    assert sandbox.events(event="Lead") == []


def test_a_page_that_was_kept_does_not_fire_what_the_next_page_has_fired(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    static_site.pages["/"] = tag(live_server.url, make_page_offer(consent_required=True))
    with keeping_pages(browser) as keeping, visitor(keeping) as page:
        page.goto(static_site.url)
        until(lambda: is_recorded("ViewContent"), page)
        page.evaluate("window.isKept = true")
        page.goto(f"{static_site.url}/?second")
        agree(page)
        until(lambda: has_fired("ViewContent"), page)
        page.go_back(wait_until="commit")
        page.evaluate("track('Lead')")
        until(lambda: has_fired("ViewContent", "Lead"), page)
        assert page.evaluate("window.isKept")
        until(lambda: copies(sandbox, "Lead", "browser"), page)

    assert len(copies(sandbox, "ViewContent", "browser")) == 1


def test_an_agreement_is_one_offers_and_a_refusal_is_all_offers(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    one, two = make_page_offer(consent_required=True), make_page_offer(consent_required=True)
    static_site.pages["/one"] = tag(live_server.url, one)
    static_site.pages["/two"] = tag(live_server.url, two)
    static_site.pages["/both"] = tag(live_server.url, one) + tag(live_server.url, two)
    with visitor(browser) as page:
        page.goto(f"{static_site.url}/one")
        agree(page, "banner")
        page.goto(f"{static_site.url}/two")
        until(lambda: Conversion.objects.filter(offer=two).exists(), page)
        assert answers() == ["granted", "unknown"]

        record_answer(Click.objects.get(offer=one).pk, "withdrawn", "support", "", timezone.now())
        page.goto(f"{static_site.url}/one")
        page.wait_for_function(READY)
        assert page.evaluate("({...localStorage})") == {"tracking_consent": "withdrawn"}

        page.goto(f"{static_site.url}/both")
        until(answered("withdrawn", "denied"), page)
        page.evaluate("tracking.consent('granted', 'banner')")
        until(answered("granted", "granted"), page)

    agreed = ConsentRecord.objects.filter(state="granted").values_list("source", flat=True)
    assert list(agreed) == ["banner"] * 3


def test_an_offer_that_asks_does_not_hold_another_ones_events(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    asking, free = make_page_offer(consent_required=True), make_page_offer()
    static_site.pages["/"] = "<p>" + tag(live_server.url, asking)
    with visitor(browser) as page:
        page.goto(static_site.url)
        until(lambda: is_recorded("ViewContent"), page)
        page.add_script_tag(url=f"{live_server.url}/pixel/{free.slug}.js")
        until(lambda: copies(sandbox, "ViewContent", "browser"), page)

    assert [copy["pixel_code"] for copy in copies(sandbox, "ViewContent", "browser")] == [free.pixel.code]


def test_what_the_page_has_under_our_names_does_no_harm(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    script = tag(live_server.url, make_page_offer())
    theirs = {"offers": ["lamp"]}
    static_site.pages["/own"] = f"<script>tracking = {script_json(theirs)}</script>" + script
    static_site.pages["/queue"] = "<script>tracking = [{event: 'x'}, 7, ['track', 'Lead']]</script>" + script
    with visitor(browser) as page:
        page.goto(f"{static_site.url}/own")
        until(lambda: has_fired("ViewContent"), page)
        assert page.evaluate("[tracking, trackingHub.link().length > 50]") == [theirs, True]

        page.goto(f"{static_site.url}/queue")
        page.evaluate(
            "tracking.push(5, null); tracking.identify({email: 'alice@example.com'}); track('AddToCart', 1, null)"
        )
        until(lambda: has_fired("ViewContent", "Lead", "AddToCart"), page)
        assert page.evaluate("tracking.calls") == []
