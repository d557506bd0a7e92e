"""The stand-in for TikTok's Pixel script, in a real browser, under TikTok's own base code."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

from dispatch.tiktok.sandbox import Sandbox

PIXEL, OTHER_PIXEL = "PIXELCODE1", "PIXELCODE2"

BASE_CODE = """
!function (w, d, t) {
  w.TiktokAnalyticsObject=t;var ttq=w[t]=w[t]||[];ttq.methods=["page","track","identify","instances","debug",
  "on","off","once","ready","alias","group","enableCookie","disableCookie","holdConsent","revokeConsent",
  "grantConsent"],ttq.setAndDefer=function(t,e){t[e]=function(){
  t.push([e].concat(Array.prototype.slice.call(arguments,0)))}};
  for(var i=0;i<ttq.methods.length;i++)ttq.setAndDefer(ttq,ttq.methods[i]);ttq.instance=function(t){
  for(var e=ttq._i[t]||[],n=0;n<ttq.methods.length;n++)ttq.setAndDefer(e,ttq.methods[n]);return e},
  ttq.load=function(e,n){var r="SANDBOX/i18n/pixel/events.js",o=n&&n.partner;
  ttq._i=ttq._i||{},ttq._i[e]=[],ttq._i[e]._u=r,ttq._t=ttq._t||{},ttq._t[e]=+new Date,ttq._o=ttq._o||{},
  ttq._o[e]=n||{};n=document.createElement("script");n.type="text/javascript",n.async=!0,n.src=r+"?sdkid="+e+
  "&lib="+t;e=document.getElementsByTagName("script")[0];e.parentNode.insertBefore(n,e)};
  BEFORE_LOAD
}(window, document, 'ttq');
"""


class Shop(BaseHTTPRequestHandler):
    """A landing page of another origin; the test decides what its script does."""

    script = ""

    def do_GET(self):
        page = f"<!doctype html><link rel=icon href=data:,><script>{self.script}</script>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def shop_url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def shared_sandbox():
    with Sandbox.running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox):
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture
def page(browser):
    """Fails the test when the console complains."""
    context = browser.new_context()
    page = context.new_page()
    complaints = []
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def visit(page, shop_url, sandbox):
    def open_shop(calls, path="/"):
        Shop.script = BASE_CODE.replace("SANDBOX", sandbox.url).replace("BEFORE_LOAD", calls)
        page.goto(shop_url + path)
        page.wait_for_function("window.ttq._sandbox")
        return page

    return open_shop


def reported(sandbox, count):
    """The copies once there are that many, or what there is after half a minute; a browser keeps no order."""
    deadline = time.monotonic() + 30
    while len(sandbox.events()) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return sorted(sandbox.events(), key=lambda copy: copy["event"])


def names(copies):
    return [copy["event"] for copy in copies]


def digest(plain):
    return hashlib.sha256(plain.encode()).hexdigest()


LOAD = f"ttq.load('{PIXEL}');"
TRACK = "ttq.track('Purchase', {value: 5.5, currency: 'EUR'}, {event_id: 'e-1'});"


def test_replays_what_was_called_before_it_came(visit, sandbox, shop_url):
    visit(f"{LOAD} ttq.page(); {TRACK}", "/thanks?ttclid=E.C.P.abc")

    pageview, purchase = reported(sandbox, 2)
    assert names([pageview, purchase]) == ["Pageview", "Purchase"]
    assert (purchase["leg"], purchase["event_id"], purchase["pixel_code"]) == ("browser", "e-1", PIXEL)
    payload = purchase["payload"]
    assert payload["properties"] == {"value": 5.5, "currency": "EUR"}
    assert payload["page"] == {"url": f"{shop_url}/thanks?ttclid=E.C.P.abc"}
    assert payload["user"]["ttclid"] == "E.C.P.abc"
    assert "Chrome" in payload["user"]["user_agent"]


def test_does_at_once_what_is_called_later(visit, sandbox):
    page = visit(f"{LOAD} ttq.page();")

    page.evaluate(TRACK)
    page.evaluate("ttq.push(['track', 'Lead', {}, {event_id: 'e-2'}])")

    assert names(reported(sandbox, 3)) == ["Lead", "Pageview", "Purchase"]


def test_reports_an_event_though_the_page_is_left(visit, sandbox, shop_url):
    page = visit(LOAD)

    page.evaluate(TRACK + f"location.href = '{shop_url}/next'")
    page.wait_for_url("**/next")

    assert names(reported(sandbox, 1)) == ["Purchase"]


def test_sets_its_cookie_and_reports_it(visit, sandbox):
    page = visit(f"{LOAD} {TRACK}")

    [copy] = reported(sandbox, 1)
    [cookie] = page.context.cookies()
    assert cookie["name"] == "_ttp"
    assert len(cookie["value"]) == 27
    assert copy["payload"]["user"]["ttp"] == cookie["value"]


def test_keeps_the_cookie_that_is_there(visit, sandbox, page, shop_url):
    page.context.add_cookies([{"name": "_ttp", "value": "mine", "url": shop_url}])
    visit(f"{LOAD} {TRACK}")

    [copy] = reported(sandbox, 1)
    assert copy["payload"]["user"]["ttp"] == "mine"


def test_sets_no_cookie_when_told_so(visit, sandbox):
    page = visit(f"ttq.disableCookie(); {LOAD} {TRACK}")

    [copy] = reported(sandbox, 1)
    assert page.context.cookies() == []
    assert "ttp" not in copy["payload"]["user"]


def test_hashes_who_it_is_before_it_reports(visit, sandbox):
    visit(
        LOAD
        + "ttq.identify({email: ' ALICE_abc@gmail.com ', phone_number: '+1 (213) 373-4253',"
        + "external_id: 'user_123'});"
        + TRACK
    )

    [copy] = reported(sandbox, 1)
    user = copy["payload"]["user"]
    assert user["email"] == digest("alice_abc@gmail.com")
    assert user["phone"] == digest("+12133734253")
    assert user["external_id"] == digest("user_123")


def test_passes_digests_through(visit, sandbox):
    email, phone = digest("a@b.example"), digest("+12133734253")
    visit(f"{LOAD} ttq.identify({{sha256_email: '{email}', sha256_phone_number: '{phone}'}}); {TRACK}")

    [copy] = reported(sandbox, 1)
    assert (copy["payload"]["user"]["email"], copy["payload"]["user"]["phone"]) == (email, phone)


def test_drops_who_it_is_where_the_browser_cannot_hash(visit, sandbox, page):
    page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    visit(f"{LOAD} ttq.identify({{email: 'alice@gmail.com'}}); {TRACK}")

    [copy] = reported(sandbox, 1)
    assert "email" not in copy["payload"]["user"]


def test_holds_events_until_consent_is_granted(visit, sandbox):
    page = visit(f"ttq.holdConsent(); {LOAD} ttq.page(); {TRACK}")
    assert sandbox.events() == []
    assert page.context.cookies() == []

    page.evaluate("ttq.grantConsent()")

    assert names(reported(sandbox, 2)) == ["Pageview", "Purchase"]
    assert len(page.context.cookies()) == 1


def test_drops_events_when_consent_is_revoked(visit, sandbox):
    page = visit(f"ttq.holdConsent(); {LOAD} ttq.page(); {TRACK}")

    page.evaluate("ttq.revokeConsent(); " + TRACK)
    page.evaluate("ttq.grantConsent(); ttq.track('Lead', {}, {event_id: 'e-2'})")

    assert names(reported(sandbox, 1)) == ["Lead"]


def test_reports_to_every_pixel_of_the_page(visit, sandbox):
    visit(f"{LOAD} ttq.load('{OTHER_PIXEL}'); ttq.page();")

    assert {copy["pixel_code"] for copy in reported(sandbox, 2)} == {PIXEL, OTHER_PIXEL}
    assert len(sandbox.events()) == 2


def test_reports_to_one_pixel_when_asked(visit, sandbox):
    page = visit(f"{LOAD} ttq.load('{OTHER_PIXEL}'); ttq.instance('{OTHER_PIXEL}').track('Lead');")
    page.evaluate(f"ttq.instance('{PIXEL}').track('Contact')")
    page.evaluate(f"ttq.track('Search', {{}}, {{pixel_code: '{PIXEL}'}})")
    page.evaluate("ttq.instance('NOBODY').track('Purchase')")

    found = {(copy["event"], copy["pixel_code"]) for copy in reported(sandbox, 3)}
    assert found == {("Lead", OTHER_PIXEL), ("Contact", PIXEL), ("Search", PIXEL)}


def test_takes_a_pixel_that_is_loaded_later(visit, sandbox):
    page = visit(f"{LOAD} ttq.page();")

    page.evaluate(f"ttq.load('{OTHER_PIXEL}'); ttq.instance('{OTHER_PIXEL}').track('Lead')")

    assert [copy["pixel_code"] for copy in reported(sandbox, 2)] == [OTHER_PIXEL, PIXEL]


def test_reports_limited_data_use(visit, sandbox):
    visit(f"ttq.load('{PIXEL}', {{limited_data_use: true}}); {TRACK}")

    assert reported(sandbox, 1)[0]["payload"]["limited_data_use"] is True


def test_calls_listeners_whose_faults_stay_theirs(visit, sandbox):
    page = visit(
        f"{LOAD} window.heard = []; ttq.ready(function () {{ heard.push('ready'); }});"
        "ttq.once('track', function (event) { heard.push(event); });"
        "ttq.on('track', function () { throw new Error('mine'); });"
        "ttq.debug(); ttq.alias('a'); ttq.group('g'); ttq.track('Lead'); ttq.track('Contact');"
    )

    assert page.evaluate("heard") == ["ready", "Lead"]
    assert len(page.evaluate("ttq.instances().map(String)")) == 1
    assert names(reported(sandbox, 2)) == ["Contact", "Lead"]


def test_keeps_hostile_addresses_apart_from_its_code(visit, sandbox, shop_url):
    hostile = "/?ttclid=" + quote("</script><script>alert(1)</script>")
    visit(f"{LOAD} {TRACK}", hostile)

    [copy] = reported(sandbox, 1)
    assert copy["payload"]["user"]["ttclid"] == "</script><script>alert(1)</script>"
    assert copy["payload"]["page"]["url"] == shop_url + hostile
