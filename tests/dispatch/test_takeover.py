"""A credential that TikTok refuses, with and without another one to take its place."""

import pytest
from django.utils import timezone

from dispatch.models import Credential, Delivery, DeliveryAttempt
from dispatch.sender import Sender
from dispatch.takeover import next_in_line
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Pixel
from tests.factories import TOKEN, make_click, make_conversion, make_credential, make_delivery, make_offer

pytestmark = pytest.mark.django_db
State = Credential.State
SPARE = "another-token-of-the-same-pixel"


@pytest.fixture
def pixel(sandbox: Sandbox) -> Pixel:
    """A pixel whose active credential has been revoked at TikTok, with twenty deliveries due."""
    pixel = make_offer().pixel
    make_credential(pixel)
    sandbox.register_token(pixel.code, TOKEN, "revoked")
    click = make_click(pixel.offers.get())
    for _ in range(20):
        make_delivery(make_conversion(click))
    return pixel


def test_a_staged_credential_takes_over_by_itself(sandbox: Sandbox, pixel: Pixel):
    spare = make_credential(pixel, SPARE, state=State.STAGED, test_passed=True)
    sandbox.register_token(pixel.code, SPARE)

    Sender().turn()

    spare.refresh_from_db()
    assert spare.state == State.ACTIVE
    assert set(Delivery.objects.values_list("status", flat=True)) == {"accepted"}
    assert not Pixel.objects.get().paused_by


def test_both_outcomes_are_on_record(sandbox: Sandbox, pixel: Pixel):
    spare = make_credential(pixel, SPARE, state=State.STAGED, test_passed=True)
    sandbox.register_token(pixel.code, SPARE)

    Sender().turn()

    refused = Credential.objects.exclude(pk=spare.pk).get()
    spare.refresh_from_db()
    assert (refused.state, bool(refused.last_refusal)) == (State.RETIRING, True)
    assert f"TikTok refused …{TOKEN[-4:]}" in spare.activated_because
    assert spare.last_ok_at
    verdicts = DeliveryAttempt.objects.values_list("credential", "verdict").distinct()
    assert set(verdicts) == {(refused.pk, "auth"), (spare.pk, "accepted")}


def test_a_retiring_credential_is_the_last_resort(sandbox: Sandbox, pixel: Pixel):
    make_credential(pixel, SPARE, state=State.RETIRING)
    sandbox.register_token(pixel.code, SPARE)

    Sender().turn()

    assert set(Delivery.objects.values_list("status", flat=True)) == {"accepted"}


def test_when_the_successor_is_refused_too_the_pixel_is_paused(sandbox: Sandbox, pixel: Pixel):
    make_credential(pixel, SPARE, state=State.STAGED, test_passed=True)
    sandbox.register_token(pixel.code, SPARE, "revoked")

    Sender().turn()

    assert Pixel.objects.get().paused_by == Pixel.PausedBy.AUTH
    assert len(sandbox.requests()) == 2
    assert Delivery.objects.filter(status="waiting", attempts=0).count() == 20


def test_nothing_takes_over_that_is_known_not_to_work():
    pixel = make_offer().pixel
    make_credential(pixel, SPARE, state=State.STAGED, test_passed=False)
    make_credential(pixel, "a-retiring-token-that-was-refused", state=State.RETIRING, last_refused_at=timezone.now())
    make_credential(pixel, "a-token-that-somebody-revoked", state=State.REVOKED)

    assert next_in_line(pixel) is None


def test_what_has_been_tested_goes_before_what_has_not():
    pixel = make_offer().pixel
    make_credential(pixel, SPARE, state=State.STAGED)
    tested = make_credential(pixel, "a-token-that-was-tested", state=State.STAGED, test_passed=True)

    assert next_in_line(pixel) == tested


def test_a_pause_by_staff_stays_when_another_credential_takes_over(sandbox: Sandbox, pixel: Pixel):
    make_credential(pixel, SPARE, state=State.STAGED, test_passed=True)
    pixel.pause(Pixel.PausedBy.STAFF, "launch", timezone.now())

    Sender().turn()

    assert Pixel.objects.get().paused_by == Pixel.PausedBy.STAFF
    assert sandbox.requests() == []
