"""The guided screen of credential rotation, as Operations uses it."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch.models import Credential
from dispatch.tiktok.sandbox import Sandbox
from tests.dispatch.rotation_screen import NEW_TOKEN, START, Browser, State, pause
from tests.factories import TOKEN, make_click, make_conversion, make_credential, make_delivery, make_offer, make_pixel
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
NEWER_TOKEN = "yet-another-token-0123456789-abcd"


def test_the_whole_rotation_without_showing_a_token_once(sandbox: Sandbox):
    pixel = make_pixel(test_event_code="TEST123")
    old = make_credential(pixel)
    pause(pixel)
    make_delivery(make_conversion(make_click(make_offer(pixel=pixel))))
    browser = Browser(pixel, "dispatch.rotate_credential", "dispatch.view_credential")

    assert "Sending resumes by itself the moment you promote" in browser.get()
    assert "…wxyz (fingerprint" in browser.paste()
    assert "The test passed" in browser.post(browser.step("test"), test_event_code="TEST123")
    question = browser.get(browser.step("promote"))
    assert "1 delivery, to be sent with the new token" in question
    assert "it resumes at once" in question
    assert "The pixel is no longer paused" in browser.post(browser.step("promote"))
    assert "wiped from the database" in browser.get(browser.step("revoke", old))
    assert "revoked and wiped" in browser.post(browser.step("revoke", old))

    new = Credential.objects.get(pixel=pixel, state=State.ACTIVE)
    for page in ("changelist", "change", "history"):
        browser.get(reverse(f"admin:dispatch_credential_{page}", args=[] if page == "changelist" else [new.pk]))
    assert new.reveal() == NEW_TOKEN
    assert Credential.objects.get(pk=old.pk).state == State.REVOKED
    written = [*browser.pages, *LogEntry.objects.values_list("change_message", flat=True)]
    assert not [text for text in written if TOKEN in text or NEW_TOKEN in text or new.token.stored in text]


def test_every_step_is_in_the_history_with_who(sandbox: Sandbox):
    pixel = make_pixel()
    old = make_credential(pixel)
    browser = Browser(pixel)

    browser.paste()
    browser.post(browser.step("test"), test_event_code="TEST123")
    browser.post(browser.step("promote"))
    browser.post(browser.step("revoke", old))

    entries = LogEntry.objects.order_by("pk").values_list("object_id", "change_message", "user__is_staff")
    words = [message.split()[0] for _, message, _ in entries]
    assert words == ["Staged", "Test", "Promoted:", "Retires:", "Revoked;"]
    assert {is_staff for *_, is_staff in entries} == {True}
    assert [pk for pk, *_ in entries][-2:] == [str(old.pk)] * 2


@pytest.mark.parametrize(
    "data",
    [
        {"token": "Bearer " + NEW_TOKEN},
        {"token": NEW_TOKEN + " " + NEW_TOKEN},
        {"token": NEW_TOKEN + "\x00"},
        {"token": NEW_TOKEN * 100},
        {"token": NEW_TOKEN, "reference": "env:SHOP_TOKEN"},
        {"reference": NEW_TOKEN},
        {"reference": NEW_TOKEN * 100},
        {"token": "", "reference": ""},
    ],
)
def test_a_refused_paste_shows_the_reason_and_nothing_of_the_token(data: dict[str, str]):
    browser = Browser(make_pixel())

    page = browser.post(**data)

    assert 'class="text-red' in page or "text-red-600" in page
    assert NEW_TOKEN not in page
    assert not Credential.objects.exists()


def test_the_token_field_remembers_nothing():
    page = Browser(make_pixel()).get()

    field = page[page.index('name="token"') - 200 : page.index('name="token"') + 400]
    assert 'type="password"' in field
    assert 'autocomplete="off"' in field
    assert "value=" not in field


def test_a_failed_test_shows_code_message_and_advice_and_can_be_repeated(sandbox: Sandbox):
    browser = Browser(make_pixel())
    browser.paste()
    sandbox.set_mode("code", code=40105, count=1)

    failed = browser.post(browser.step("test"), test_event_code="TEST123")
    passed = browser.post(browser.step("test"), test_event_code="TEST123")

    assert "code 40105" in failed
    assert "Generate a new token in Events Manager" in failed
    assert browser.step("promote") not in failed
    assert browser.step("promote") in passed


def test_an_unreachable_tiktok_is_said_plainly(settings: Any):
    settings.TIKTOK_API_URL = "http://127.0.0.1:9"
    browser = Browser(make_pixel())
    browser.paste()

    page = browser.post(browser.step("test"), test_event_code="TEST123")

    assert "TikTok could not be reached." in page
    assert "It is kept here: test it again" in page


def test_a_test_without_a_test_event_code_sends_nothing(sandbox: Sandbox):
    browser = Browser(make_pixel())
    browser.paste()

    page = browser.post(browser.step("test"), test_event_code="")

    assert "needs a test event code" in page
    assert sandbox.requests() == []


def test_a_reference_that_has_vanished_is_explained(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOP_TOKEN", NEW_TOKEN)
    browser = Browser(make_pixel())
    browser.post(reference="env:SHOP_TOKEN")
    monkeypatch.delenv("SHOP_TOKEN")

    assert "env:SHOP_TOKEN holds no token." in browser.post(browser.step("test"), test_event_code="TEST123")


def test_nothing_untested_is_promoted_by_its_address():
    browser = Browser(make_pixel())
    browser.paste()

    page = browser.post(browser.step("promote"))

    assert "whose last test passed" in page
    assert Credential.objects.get().state == State.STAGED


def test_discarding_a_staged_token_makes_room_for_another():
    browser = Browser(make_pixel())
    browser.paste()

    browser.post(browser.step("revoke"))
    browser.paste(NEWER_TOKEN)

    assert Credential.objects.get(state=State.STAGED).reveal() == NEWER_TOKEN


def test_looking_changes_nothing():
    pixel = make_pixel()
    old = make_credential(pixel)
    browser = Browser(pixel)
    browser.paste()
    before = list(Credential.objects.values())

    browser.get(START)
    browser.get()
    browser.get(browser.step("promote"))
    browser.get(browser.step("revoke"))
    browser.get(browser.step("revoke", old))

    assert browser.client.get(browser.step("test")).status_code == 405
    assert list(Credential.objects.values()) == before


def test_every_step_needs_the_permission():
    pixel = make_pixel()
    credential = make_credential(pixel)
    browser = Browser(pixel, "dispatch.view_credential", "offers.change_pixel")
    steps = [browser.step(name, credential) for name in ("test", "promote", "revoke")]

    for url in (START, browser.screen, *steps):
        assert browser.client.get(url).status_code == 403
        assert browser.client.post(url).status_code == 403


def test_a_credential_of_another_pixel_is_not_found():
    browser = Browser(make_pixel())
    other = make_credential(make_pixel())

    assert browser.client.post(browser.step("revoke", other)).status_code == 404
    assert Credential.objects.get().state == State.ACTIVE


@pytest.mark.parametrize("pixel_id", [0, 99999999999999999999999])
def test_no_such_pixel_is_a_404(pixel_id: int):
    url = f"{START}{pixel_id}/"

    assert staff_client("dispatch.rotate_credential").get(url).status_code == 404


def test_the_start_page_puts_pixels_in_trouble_first():
    make_credential(make_pixel(name="Fine"))
    make_pixel(name="Without")
    pause(make_pixel(name="Refused"))
    client = staff_client("dispatch.rotate_credential")

    page = client.get(START).content.decode()

    assert page.index("Refused") < page.index("Without") < page.index("Fine")


def test_queries_of_the_start_page_do_not_grow_with_pixels(django_assert_num_queries: Any):
    client = staff_client("dispatch.rotate_credential")
    make_credential(make_pixel())
    with CaptureQueriesContext(connection) as for_one:
        client.get(START)
    for _ in range(3):
        make_delivery()

    with django_assert_num_queries(len(for_one)):
        client.get(START)
