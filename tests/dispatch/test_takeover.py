"""A credential that TikTok refuses, with and without another one to take its place."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from dispatch.models import Credential, Delivery, DeliveryAttempt
from dispatch.rotation import promote
from dispatch.sender import Sender
from dispatch.takeover import NEWS_FOR, next_in_line, recent_takeovers, refuse
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Pixel
from tests.factories import TOKEN, make_click, make_conversion, make_credential, make_delivery, make_offer, make_pixel
from trackingsite import metrics, vitals

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


def taken_over(now: datetime) -> tuple[Credential, Credential]:
    """The refused credential of a pixel, and the one that took over at that time."""
    pixel = make_offer().pixel
    refused, spare = make_credential(pixel), make_credential(pixel, SPARE, state=State.STAGED)
    refuse(refused, "Access token is incorrect.", now)
    return refused, spare


def test_a_takeover_is_news_for_a_week_or_until_the_refused_one_is_revoked():
    now = timezone.now()
    revoked, _ = taken_over(now)
    Credential.objects.filter(pk=revoked.pk).update(state=State.REVOKED)
    refused, spare = taken_over(now)

    news = [(one.successor, one.refused) for one in recent_takeovers(now + NEWS_FOR - timedelta(seconds=1))]

    assert news == [(spare, [refused])]
    assert list(recent_takeovers(now + NEWS_FOR)) == []


def test_a_promotion_by_a_person_is_no_takeover():
    now = timezone.now()
    make_credential(make_offer().pixel, activated_at=now)
    _, spare = taken_over(now)
    Credential.objects.filter(pk=spare.pk).update(state=State.RETIRING, test_passed=True)

    promote(spare, None, now)

    assert Credential.objects.get(pk=spare.pk).activated_because == ""
    assert list(recent_takeovers(now)) == []


def test_where_the_pixel_is_paused_the_pause_is_the_news():
    now = timezone.now()
    _, spare = taken_over(now)
    refuse(spare, "Access token is incorrect.", now)

    assert Pixel.objects.get().paused_by == Pixel.PausedBy.AUTH
    assert list(recent_takeovers(now)) == []


def test_a_credential_that_tiktok_took_again_is_refused_no_more():
    now = timezone.now()
    never, once, again = (make_credential(make_offer().pixel) for _ in range(3))
    for credential in (once, again):
        credential.note_refused("Access token is incorrect.", now)
    again.note_accepted(now + timedelta(seconds=1))

    rows = {row.pk: row for row in Credential.objects.all()}
    assert [rows[row.pk].is_refused for row in (never, once, again)] == [False, True, False]
    assert list(Credential.objects.refused()) == [once]


@pytest.mark.parametrize(
    ("refused", "accepted", "is_refused"),
    [(None, None, False), (None, 0, False), (0, None, True), (0, -1, True), (0, 0, True), (0, 1, False)],
)
def test_what_counts_as_refused_is_the_same_everywhere(refused: int | None, accepted: int | None, is_refused: bool):
    now = timezone.now()
    refused_at, ok_at = (None if s is None else now + timedelta(seconds=s) for s in (refused, accepted))
    row = make_credential(make_pixel(), state="retiring", last_refused_at=refused_at, last_ok_at=ok_at)

    (pixel,) = vitals.read_pixels(now)

    assert row.is_refused == is_refused
    assert Credential.objects.refused().exists() == is_refused
    assert (next_in_line(row.pixel) is None) == is_refused
    assert dict(metrics.credentials_refused(pixel, None)) == {("retiring",): is_refused}
