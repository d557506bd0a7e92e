"""What browser tests of the page's script share."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from conversions.models import Conversion, Sighting
from conversions.tasks import digest
from dispatch.models import Delivery
from dispatch.tasks import deliver
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer
from tests.conftest import CHROMIUM_ARGUMENTS
from tests.factories import make_credential, make_offer, make_pixel
from tests.run import browser as find_chromium

PHONE = {"viewport": {"width": 393, "height": 727}, "is_mobile": True, "has_touch": True}
PAGE_RULES = [
    {"trigger": "page", "event_name": "ViewContent"},
    {"trigger": "page", "event_name": "Lead"},
    {"trigger": "page", "event_name": "AddToCart", "value_source": "fixed", "fixed_value": "5.50"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]

READY = "window.tracking && tracking.link && tracking.link().length > 50"
NOTHING_UNSENT = (
    "Object.entries(sessionStorage).every(([name, kept]) => !name.startsWith('tracking_unsent_') || kept == '[]')"
)


def make_page_offer(**fields: Any) -> Offer:
    """An offer whose pages are static ones on 127.0.0.1, with a credential so that both legs are told."""
    fields.setdefault("rules", PAGE_RULES)
    fields.setdefault("landing_url", "")
    fields.setdefault("page_hosts", "127.0.0.1")
    fields.setdefault("currency", "EUR")
    fields.setdefault("send_external_id", True)
    pixel = make_pixel()
    make_credential(pixel, f"a-token-of-{pixel.code}")
    return make_offer(pixel=pixel, **fields)


def tag(tracker: str, offer: Offer, attributes: str = "") -> str:
    """The one line that a page builder takes."""
    return f'<script async src="{tracker}/pixel/{offer.slug}.js" {attributes}></script>'


@contextmanager
def visitor(browser: Browser, expected: str = "nothing", **options: Any) -> Iterator[Page]:
    """A new visitor's page; the console must stay clean but for what the browser itself says of an expected failure."""
    context = browser.new_context(**options)
    complaints: list[str] = []
    context.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert [complaint for complaint in complaints if expected not in complaint] == []


def until(found: Callable[[], Any], page: Page) -> Any:
    """What the function finds, once it does; what it found last after half a minute. The page goes on meanwhile."""
    deadline = time.monotonic() + 30
    while not (result := found()) and time.monotonic() < deadline:
        page.wait_for_timeout(25)
    return result


@contextmanager
def keeping_pages(browser: Browser) -> Iterator[Browser]:
    """The browser with its windows, which keeps pages as visitors' do: the back button shows them as they were left."""
    own = {"executable_path": find_chromium(), "args": CHROMIUM_ARGUMENTS}
    with browser.browser_type.launch(**own, ignore_default_args=["--disable-back-forward-cache"]) as keeping:
        yield keeping


def agree(page: Page, source: str = "page") -> None:
    """Agree, and wait until the page has heard that the server knows: else its next page would tell it once more."""
    page.wait_for_function(READY)
    page.evaluate("source => tracking.consent('granted', source)", source)
    page.wait_for_function(NOTHING_UNSENT)


def tell_tiktok() -> None:
    """Send what waits; a pixel's next request may have to wait for its turn."""
    digest()
    deliver()
    deadline = time.monotonic() + 30
    while Delivery.objects.filter(status=Delivery.Status.WAITING).exists() and time.monotonic() < deadline:
        deliver()


def is_recorded(name: str) -> bool:
    return Conversion.objects.filter(event_name=name).exists()


def has_fired(*names: str) -> bool:
    """Whether the browser has reported exactly these events as fired."""
    return set(Sighting.objects.filter(outcome="fired").values_list("conversion__event_name", flat=True)) == set(names)


def copies(sandbox: Sandbox, event: str, leg: str) -> list[dict[str, Any]]:
    return sandbox.events(event=event, leg=leg)


def until_heard(sandbox: Sandbox, page: Page, *names: str) -> None:
    """Wait until the browser's copies of these events have arrived; that they were fired is told us earlier."""
    until(lambda: all(copies(sandbox, name, "browser") for name in names), page)


def one_of_each_leg(sandbox: Sandbox, event: str, page: Page) -> dict[str, Any]:
    """The browser's copy, which a server's copy of the same id, name and properties stands beside."""
    until_heard(sandbox, page, event)
    [browsers], [servers] = copies(sandbox, event, "browser"), copies(sandbox, event, "server")
    assert facts(browsers) == facts(servers)
    return browsers


def facts(copy: dict[str, Any]) -> tuple[Any, ...]:
    """What both copies of an event have to agree on."""
    return copy["pixel_code"], copy["event"], copy["event_id"], copy["payload"].get("properties") or {}
