import io
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dispatch.models import Credential
from dispatch.sender import Sender
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Pixel
from tests.factories import TOKEN, make_click, make_conversion, make_credential, make_delivery, make_offer, make_pixel

pytestmark = pytest.mark.django_db
NEW_TOKEN = "the-new-token-of-this-pixel"


@pytest.fixture
def pixel() -> Pixel:
    return make_pixel(test_event_code="TEST1")


def rotate(monkeypatch, pixel: Pixel, token: str = NEW_TOKEN, **options: str) -> str:
    told = io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(token + "\n"))
    call_command("rotate_credential", pixel.code, stdout=told, **options)
    return told.getvalue()


def test_a_refused_token_is_replaced_and_the_queue_goes_out(sandbox: Sandbox, pixel: Pixel, monkeypatch):
    make_credential(pixel)
    sandbox.register_token(pixel.code, TOKEN, "revoked")
    delivery = make_delivery(make_conversion(make_click(make_offer(pixel=pixel))))
    Sender().turn()

    told = rotate(monkeypatch, pixel)
    Sender().turn()

    delivery.refresh_from_db()
    assert delivery.status == "accepted"
    assert f"…{NEW_TOKEN[-4:]} from now on" in told
    assert NEW_TOKEN not in told


def test_a_token_that_tiktok_refuses_is_not_promoted(sandbox: Sandbox, pixel: Pixel, monkeypatch):
    make_credential(pixel)
    sandbox.register_token(pixel.code, NEW_TOKEN, "revoked")

    with pytest.raises(CommandError, match=r"Not promoted.*code 40105"):
        rotate(monkeypatch, pixel)

    assert list(Credential.objects.order_by("id").values_list("state", flat=True)) == ["active", "revoked"]


def test_the_token_may_stay_outside_the_database(sandbox: Sandbox, pixel: Pixel, monkeypatch):
    monkeypatch.setenv("TIKTOK_TOKEN_OF_THE_TEST", NEW_TOKEN)

    rotate(monkeypatch, pixel, token="", reference="env:TIKTOK_TOKEN_OF_THE_TEST")

    assert Credential.objects.get().state == "active"


def test_the_pixel_resumes_by_the_databases_clock(sandbox: Sandbox, pixel: Pixel, monkeypatch):
    behind = timezone.now() - timedelta(minutes=15)
    monkeypatch.setattr("dispatch.clock.now", lambda: behind)
    pixel.pause(Pixel.PausedBy.AUTH, "40105", behind)

    rotate(monkeypatch, pixel)

    pixel.refresh_from_db()
    assert (pixel.resumed_at, Credential.objects.get().activated_at) == (behind, behind)


@pytest.mark.parametrize(("code", "test_code", "words"), [("CNONE000000000000000", "T", "no pixel"), ("", "", "count")])
def test_says_what_is_missing(pixel: Pixel, monkeypatch, code, test_code, words):
    Pixel.objects.update(test_event_code=test_code)
    monkeypatch.setattr(sys, "stdin", io.StringIO(NEW_TOKEN))

    with pytest.raises(CommandError, match=words):
        call_command("rotate_credential", code or pixel.code)
