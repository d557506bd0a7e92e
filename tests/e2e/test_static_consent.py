"""Consent on a static page: nothing before it, both legs after it, nothing after its withdrawal."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Route

from conversions.identity import sha256
from conversions.models import Click, ConsentRecord, Conversion
from dispatch.tiktok.sandbox import Sandbox
from tests.e2e.static_site import StaticSite
from tests.e2e.support import (
    NOTHING_UNSENT,
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

pytestmark = pytest.mark.django_db(transaction=True)

LEAD = "<button id=lead data-track=Lead data-track-value=19.90>Ask</button>"


def consent_of_click() -> str:
    return Click.objects.values_list("consent", flat=True).get()


def test_denied_then_granted_then_withdrawn(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer(consent_required=True)
    static_site.pages["/"] = LEAD + tag(live_server.url, offer)
    with visitor(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{static_site.url}/?ttclid=E.C.P.consent")
        until(lambda: is_recorded("ViewContent"), page)
        page.evaluate("tracking.consent('denied', 'banner')")
        page.dblclick("#lead")
        until(lambda: is_recorded("Lead") and consent_of_click() == "denied", page)
        tell_tiktok()

        assert not [url for url in asked if url.startswith(sandbox.url)]
        assert sandbox.events() == []
        assert not {cookie["name"] for cookie in page.context.cookies(static_site.url)} & {"ttclid", "_ttp"}

        page.evaluate("ttq.grantConsent()")
        until(lambda: has_fired("ViewContent", "Lead") and consent_of_click() == "granted", page)
        until_heard(sandbox, page, "Pageview")
        tell_tiktok()

        for name in ("ViewContent", "Lead"):
            one_of_each_leg(sandbox, name, page)

        page.evaluate("ttq.revokeConsent(); track('AddToCart')")
        until(lambda: is_recorded("AddToCart") and consent_of_click() == "withdrawn", page)
        page.reload()
        page.wait_for_function("window.tracking && tracking.link().includes('/go/')")
        page.evaluate("track('Purchase')")
        until(lambda: is_recorded("Purchase"), page)
        tell_tiktok()

    assert {copy["event"] for copy in sandbox.events()} == {"Pageview", "ViewContent", "Lead"}
    records = ConsentRecord.objects.order_by("pk").values_list("state", "source")
    assert list(records) == [
        ("denied", "banner"),
        ("granted", "ttq.grantConsent"),
        ("withdrawn", "ttq.revokeConsent"),
    ]


IDENTIFIED = "tracking.consent('granted'); tracking.identify({email: 'alice@example.com'}); track('Lead')"


def test_who_agrees_after_a_refusal_and_says_who_they_are_is_known_however_slow_the_answer(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    static_site.pages["/"] = tag(live_server.url, make_page_offer(consent_required=True, send_email=True))
    held: list[Route] = []
    with visitor(browser) as page:
        page.goto(static_site.url)
        page.wait_for_function(READY)
        page.evaluate("tracking.consent('denied')")
        page.wait_for_function(NOTHING_UNSENT)
        page.route("**/consent/", lambda route: held.append(route))
        page.evaluate(IDENTIFIED)
        until(lambda: held, page)
        page.wait_for_timeout(500)  # what does not wait for the answer is at the server by now
        held[0].continue_()
        until(lambda: has_fired("ViewContent", "Lead"), page)
        tell_tiktok()
        lead = one_of_each_leg(sandbox, "Lead", page)

    [server_copy] = copies(sandbox, "Lead", "server")
    assert lead["payload"]["user"]["email"] == server_copy["payload"]["user"]["email"][0] == sha256("alice@example.com")


def test_who_leaves_before_the_answer_is_heard_is_known_all_the_same(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    static_site.pages["/"] = tag(live_server.url, make_page_offer(consent_required=True, send_email=True))
    held: list[Route] = []
    with visitor(browser) as page:
        page.goto(static_site.url)
        page.wait_for_function(READY)
        page.route("**/consent/", lambda route: held.append(route), times=1)
        page.evaluate(IDENTIFIED)
        until(lambda: held, page)
        page.goto(f"{static_site.url}/elsewhere")
        held[0].abort()
        until(lambda: Click.objects.get().email_sha256 and consent_of_click() == "granted", page)

    assert (Click.objects.get().email_sha256, consent_of_click()) == (sha256("alice@example.com"), "granted")


TCF = """<script>
  window.__tcfapi = function (command, version, listener) {
    window.answer = function (status, agreed, applies) {
      const consents = {1: true, 2: false, 3: agreed, 4: true};
      listener({eventStatus: status, gdprApplies: applies, purpose: {consents}}, true);
    };
    answer("cmpuishown", true, true);
  };
  tracking = [["tcf"]];
</script>"""


def test_a_consent_tool_is_listened_to_and_its_answer_remembered(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer(consent_required=True)
    static_site.pages["/"] = TCF + tag(live_server.url, offer)
    with visitor(browser) as page:
        page.goto(f"{static_site.url}/?ttclid=E.C.P.consent-1")
        until(lambda: is_recorded("ViewContent"), page)
        page.evaluate("answer('tcloaded', true, false)")
        assert consent_of_click() == "unknown"

        page.evaluate("answer('useractioncomplete', true, true)")
        until(lambda: has_fired("ViewContent") and consent_of_click() == "granted", page)
        page.goto(f"{static_site.url}/?ttclid=E.C.P.consent-2")
        until(lambda: Conversion.objects.count() == 2, page)

    first, second = Click.objects.order_by("created_at")
    assert (first.consent, first.consent_source) == ("granted", "tcf")
    assert (second.consent, second.ttclid) == ("granted", "E.C.P.consent-2")


def test_what_the_page_says_to_ttq_before_the_script_comes_is_an_answer(
    browser: Browser, sandbox: Sandbox, static_site: StaticSite, live_server: Any
):
    offer = make_page_offer(consent_required=True)
    early = "<script>ttq = [['holdConsent'], ['revokeConsent'], ['grantConsent']]</script>"
    static_site.pages["/"] = early + tag(live_server.url, offer)
    with visitor(browser) as page:
        page.goto(static_site.url)
        until(lambda: copies(sandbox, "ViewContent", "browser") and consent_of_click() == "granted", page)
        until(lambda: has_fired("ViewContent"), page)

    assert len(copies(sandbox, "ViewContent", "browser")) == 1
