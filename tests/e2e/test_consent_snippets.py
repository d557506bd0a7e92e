"""The calls that docs/consent.md gives for consent tools, in a real browser beside stand-ins for the tools."""

import re
from pathlib import Path

from playwright.sync_api import Browser

DOCUMENT = Path(__file__).parents[2] / "docs" / "consent.md"
SNIPPETS = dict(re.findall(r"^##+ ([^\n]+)\n(?:(?!^##).)*?^```js\n(.+?)^```", DOCUMENT.read_text(), re.M | re.S))
GROUPS = "dispatchEvent(new CustomEvent('OneTrustGroupsUpdated', {detail: %s}))"
UC = (
    "dispatchEvent(new CustomEvent('ucEvent', {detail: "
    "{event: 'consent_status', type: '%s', ucCategory: {marketing: %s}}}))"
)
NEWS = "new Promise((done) => setTimeout(() => done(tracking.splice(0).map((call) => call[1]))))"
YES = "document.dispatchEvent(new Event('cookieyes_%s'))"

# For each tool: how it stands when the page begins, and what it does then: load, agree, refuse.
TOOLS = {
    "Google Consent Mode": (
        "var dataLayer = []; function gtag() { dataLayer.push(arguments) }"
        "gtag('consent', 'default', {ad_storage: 'denied'})",
        ["gtag('event', 'page')", "gtag('consent', 'update', {ad_storage: 'granted', ad_user_data: 'granted'})",
         "gtag('consent', 'update', {ad_storage: 'granted', ad_user_data: 'denied'})"],
    ),
    "Cookiebot": (
        "var Cookiebot = {hasResponse: false, consent: {marketing: false}}",
        ["dispatchEvent(new Event('CookiebotOnConsentReady'))",
         "Cookiebot.hasResponse = Cookiebot.consent.marketing = true; dispatchEvent(new Event('CookiebotOnAccept'))",
         "Cookiebot.consent.marketing = false; dispatchEvent(new Event('CookiebotOnDecline'))"],
    ),
    "OneTrust": (
        "var answered = false, OneTrust = {IsAlertBoxClosed: () => answered}",
        [GROUPS % "['C0001']", "answered = true;" + GROUPS % "['C0001', 'C0004']", GROUPS % "['C0001']"],
    ),
    "Usercentrics": ("", [UC % ("IMPLICIT", "true"), UC % ("explicit", "true"), UC % ("EXPLICIT", "null")]),
    "Klaro": (
        "var watcher, manager = {confirmed: false, said: false, getConsent: (name) => name == 'tiktok' && manager.said,"
        "watch: (it) => { watcher = it }}, klaro = {getManager: () => manager};"
        "function save(said) { manager.said = said; watcher.update(manager, 'consents');"
        "manager.confirmed = true; watcher.update(manager, 'saveConsents') }",
        ["dispatchEvent(new Event('load'))", "save(true)", "save(false)"],
    ),
    "CookieYes": (
        "var said = {isUserActionCompleted: false, categories: {advertisement: true}};"
        "function getCkyConsent() { return said }",
        [YES % "banner_load", "said.isUserActionCompleted = true;" + YES % "consent_update",
         "said.categories.advertisement = false;" + YES % "consent_update"],
    ),
    "IAB TCF 2": ("", []),
    "Telling us the answer": ("", []),
}  # fmt: skip


def test_every_documented_call_has_its_test():
    assert SNIPPETS.keys() == TOOLS.keys()


def test_a_tool_tells_an_answer_and_nothing_before_it(browser: Browser):
    with browser.new_context() as context:
        page, told = context.new_page(), {}
        for tool, (begin, steps) in TOOLS.items():
            page.goto("about:blank")
            for script in (begin, SNIPPETS[tool]):
                page.add_script_tag(content=script or ";")
            told[tool] = [page.evaluate(f"{step}; {NEWS}") for step in steps]

    assert told == {tool: [[], ["granted"], ["denied"]] if steps else [] for tool, (_, steps) in TOOLS.items()}
