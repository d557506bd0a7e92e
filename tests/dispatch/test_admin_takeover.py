"""What the rotation screen says of pauses and takeovers."""

import pytest
from django.utils import timezone

from dispatch.takeover import refuse
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Pixel
from tests.dispatch.rotation_screen import NEW_TOKEN, Browser, State
from tests.factories import make_credential, make_pixel

pytestmark = pytest.mark.django_db


def test_the_screen_says_that_staff_paused_the_pixel():
    pixel = make_pixel()
    pixel.pause(Pixel.PausedBy.STAFF, "Campaign is over.", timezone.now())

    assert "Promoting a token does not resume it" in Browser(pixel).get()


def test_the_screen_says_that_a_staged_token_takes_over_by_itself():
    browser = Browser(make_pixel())

    assert "takes over by itself the moment TikTok refuses the one in use" in browser.get()


def test_after_a_takeover_the_screen_says_what_happened_and_what_to_do(sandbox: Sandbox):
    pixel = make_pixel()
    old = make_credential(pixel)
    spare = make_credential(pixel, NEW_TOKEN, state=State.STAGED, test_passed=True)
    refuse(old, "Access token is incorrect.", timezone.now())
    browser = Browser(pixel)

    page = browser.get()
    browser.post(browser.step("revoke", old))

    assert f"TikTok refused …{old.last_four}; …{spare.last_four} took over by itself" in page
    assert "TikTok has not accepted an event with …wxyz so far." in page
    assert "when it took over by itself" in page
    assert "Refused by TikTok" in page
    assert f"revoke …{old.last_four}, and stage a new spare" in page
    assert "What to do" not in browser.get()


def test_a_takeover_that_works_is_said_to():
    pixel = make_pixel()
    old, spare = make_credential(pixel), make_credential(pixel, NEW_TOKEN, state=State.STAGED)
    refuse(old, "Access token is incorrect.", timezone.now())
    spare.note_accepted(timezone.now())

    assert "TikTok has accepted events with …wxyz since." in Browser(pixel).get()
