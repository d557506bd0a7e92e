from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from conversions.models import Click, Consent
from dispatch.models import Credential, Delivery, DeliveryAttempt
from dispatch.reasons import Reason
from dispatch.sender import Sender
from dispatch.sending import pixels_with_work
from dispatch.tiktok import client
from dispatch.tiktok.codes import Verdict
from dispatch.tiktok.sandbox import Sandbox
from offers.models import EventRule, Pixel
from tests.factories import TOKEN, make_click, make_conversion, make_credential, make_delivery, make_offer

pytestmark = pytest.mark.django_db
Status = Delivery.Status


@pytest.fixture
def pixel() -> Pixel:
    """A pixel with an active credential and an offer."""
    pixel = make_offer().pixel
    make_credential(pixel)
    return pixel


def queue(pixel: Pixel, count: int = 1, **fields) -> list[Delivery]:
    click = make_click(pixel.offers.get())
    return [make_delivery(make_conversion(click, **fields)) for _ in range(count)]


def drain(pixel: Pixel) -> int:
    """One turn of a worker; how many deliveries were sent."""
    return Sender().turn()


def statuses() -> set[str]:
    return set(Delivery.objects.values_list("status", flat=True))


def test_everything_due_goes_in_one_request(sandbox: Sandbox, pixel: Pixel):
    queue(pixel, 30)

    assert drain(pixel) == 30

    assert statuses() == {Status.ACCEPTED}
    assert len(sandbox.requests()) == 1
    assert len(sandbox.events()) == 30


def test_batches_hold_as_many_as_the_setting_says(sandbox: Sandbox, pixel: Pixel, settings):
    settings.TIKTOK_BATCH_SIZE = 10
    queue(pixel, 25)

    drain(pixel)

    assert len(sandbox.requests()) == 3


def test_every_try_is_on_record_without_personal_data(sandbox: Sandbox, pixel: Pixel):
    (delivery,) = queue(pixel)

    drain(pixel)

    attempt = delivery.attempt_log.get()
    assert (attempt.verdict, attempt.code, attempt.http_status) == (Verdict.ACCEPTED, 0, 200)
    assert attempt.request_id
    assert attempt.payload["user"]["ip"] == "198.51.100…"


def test_a_bad_event_is_found_and_its_neighbours_go_through(sandbox: Sandbox, pixel: Pixel):
    deliveries = queue(pixel, 9)
    bad = deliveries[4]
    sandbox.set_mode("reject_event_id", event_id=str(bad.event_id))

    drain(pixel)

    bad.refresh_from_db()
    assert (bad.status, bad.reason) == (Status.DEAD, Reason.INVALID)
    assert Delivery.objects.filter(status=Status.ACCEPTED).count() == 8


def test_a_refused_token_pauses_the_pixel_after_one_request(sandbox: Sandbox, pixel: Pixel, settings):
    settings.TIKTOK_BATCH_SIZE = 5
    settings.TIKTOK_REQUESTS_PER_SECOND = 1.0  # so that the answer is there before the next one's time
    sandbox.register_token(pixel.code, TOKEN, "revoked")
    queue(pixel, 20)

    drain(pixel)

    pixel.refresh_from_db()
    assert pixel.paused_by == Pixel.PausedBy.AUTH
    assert len(sandbox.requests()) == 1
    assert Delivery.objects.filter(status=Status.WAITING, attempts=0).count() == 20
    assert Credential.objects.get().last_refused_at


def test_a_paused_pixel_is_sent_nothing(sandbox: Sandbox, pixel: Pixel):
    queue(pixel)
    pixel.pause(Pixel.PausedBy.STAFF, "launch", timezone.now())

    drain(pixel)

    assert sandbox.requests() == []
    assert not pixels_with_work(timezone.now()).exists()


@pytest.mark.django_db(transaction=True)
def test_a_late_refusal_of_a_replaced_token_does_not_pause(sandbox: Sandbox, pixel: Pixel, monkeypatch):
    queue(pixel)
    sandbox.register_token(pixel.code, TOKEN, "revoked")
    old = Credential.objects.get()
    send = client.send

    def promote_meanwhile(*args):
        reply = send(*args)
        Credential.objects.filter(pk=old.pk).update(state="retiring")
        make_credential(pixel, "another-token-of-the-same-pixel")
        connection.close()  # this thread's own
        return reply

    monkeypatch.setattr("dispatch.tiktok.client.send", promote_meanwhile)
    drain(pixel)

    pixel.refresh_from_db()
    assert pixel.paused_by == Pixel.PausedBy.NOBODY


def test_a_credential_that_cannot_be_read_pauses_and_keeps_the_queue(sandbox: Sandbox, pixel: Pixel, monkeypatch):
    Credential.objects.update(token="", reference="env:TIKTOK_TOKEN_OF_THE_TEST")
    queue(pixel)

    drain(pixel)

    pixel.refresh_from_db()
    assert "TIKTOK_TOKEN_OF_THE_TEST holds no token" in pixel.paused_reason
    assert statuses() == {Status.WAITING}


def test_a_token_may_live_in_the_environment(sandbox: Sandbox, pixel: Pixel, monkeypatch):
    Credential.objects.update(token="", reference="env:TIKTOK_TOKEN_OF_THE_TEST")
    monkeypatch.setenv("TIKTOK_TOKEN_OF_THE_TEST", "a-token-from-the-environment")
    queue(pixel)

    drain(pixel)

    assert statuses() == {Status.ACCEPTED}


def test_a_throttled_pixel_rests_as_a_whole_without_losing_attempts(sandbox: Sandbox, pixel: Pixel, settings):
    settings.TIKTOK_BATCH_SIZE = 2
    settings.TIKTOK_REQUESTS_PER_SECOND = 1.0
    sandbox.set_mode("code", code=40100)
    queue(pixel, 10)

    for _ in range(3):
        drain(pixel)

    assert len(sandbox.requests()) == 1
    assert Delivery.objects.filter(status=Status.WAITING, attempts=0).count() == 10
    assert not pixels_with_work(timezone.now()).exists()
    assert pixels_with_work(timezone.now() + timedelta(minutes=1)).exists()


@pytest.mark.parametrize("hours", [49, 72])
def test_what_tiktok_no_longer_merges_is_held_for_a_person(sandbox: Sandbox, pixel: Pixel, hours):
    (delivery,) = queue(pixel)
    Delivery.objects.update(maybe_accepted=True, first_sent_at=timezone.now() - timedelta(hours=hours))

    drain(pixel)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason, delivery.attempts) == (Status.HELD, Reason.OUTCOME_UNKNOWN, 0)
    assert sandbox.requests() == []


@pytest.mark.django_db(transaction=True)
def test_a_pause_by_staff_outlives_a_refused_token(sandbox: Sandbox, pixel: Pixel, monkeypatch):
    queue(pixel)
    sandbox.register_token(pixel.code, TOKEN, "revoked")
    send = client.send

    def pause_meanwhile(*args):
        pixel.pause(Pixel.PausedBy.STAFF, "launch", timezone.now())
        connection.close()  # this thread's own
        return send(*args)

    monkeypatch.setattr("dispatch.tiktok.client.send", pause_meanwhile)
    drain(pixel)

    pixel.refresh_from_db()
    assert pixel.paused_by == Pixel.PausedBy.STAFF


@pytest.mark.parametrize("token", ["two words in a token", "a-token-with-\u00e9-in-it", "\ufeffa-token-behind-a-mark"])
def test_a_reference_that_turned_into_no_token_pauses_and_keeps_the_queue(
    sandbox: Sandbox, pixel: Pixel, monkeypatch, token
):
    Credential.objects.update(token="", reference="env:TIKTOK_TOKEN_OF_THE_TEST")
    monkeypatch.setenv("TIKTOK_TOKEN_OF_THE_TEST", token)
    queue(pixel)

    drain(pixel)

    pixel.refresh_from_db()
    assert pixel.paused_by == Pixel.PausedBy.AUTH
    assert Delivery.objects.get().status == Status.WAITING


def test_a_repaired_rule_repairs_what_waits(sandbox: Sandbox, pixel: Pixel):
    queue(pixel, payout=Decimal(10))
    EventRule.objects.update(value_source="fixed", fixed_value=Decimal(77))

    drain(pixel)

    assert sandbox.events()[0]["payload"]["properties"]["value"] == 77


def test_consent_withdrawn_after_the_plan_is_respected(sandbox: Sandbox, pixel: Pixel):
    (delivery,) = queue(pixel)
    Click.objects.update(consent=Consent.WITHDRAWN)

    drain(pixel)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == (Status.SUPPRESSED, Reason.CONSENT_DENIED)
    assert sandbox.requests() == []


def test_bodies_stay_under_a_megabyte(sandbox: Sandbox, pixel: Pixel):
    queue(pixel, 100, page_url="https://landing.example/?" + "x" * 15_000)

    drain(pixel)

    assert statuses() == {Status.ACCEPTED}
    assert len(sandbox.requests()) == 2


@pytest.mark.parametrize(("environment", "code"), [("production", ""), ("staging", "TEST1")])
def test_only_pixels_outside_production_carry_the_test_code(sandbox: Sandbox, pixel: Pixel, environment, code):
    Pixel.objects.update(environment=environment, test_event_code="TEST1")
    queue(pixel)

    drain(pixel)

    assert sandbox.events()[0]["test"] == code


def test_an_ambiguous_answer_is_repeated_under_the_same_event_id(sandbox: Sandbox, pixel: Pixel):
    sandbox.set_mode("accept_then_reset", count=1)
    (delivery,) = queue(pixel)

    drain(pixel)
    Delivery.objects.update(next_attempt_at=timezone.now())
    drain(pixel)

    assert [event["verdict"] for event in sandbox.events()] == ["counted", "deduplicated"]
    assert {event["event_id"] for event in sandbox.events()} == {str(delivery.event_id)}
    assert DeliveryAttempt.objects.count() == 2
