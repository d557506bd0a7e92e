"""Why a pixel's queue stands still or is slow, in words."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dispatch import rates, standing
from dispatch.models import Credential, Lane
from dispatch.models.lane import FAILURES_TO_TRIP, PROBE_LEASE, PROBE_PAUSES
from dispatch.standing import Code, Standing
from offers.models import Pixel
from tests.factories import make_conversion, make_credential, make_delivery, make_pixel

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
SPARE = "another-token-of-the-same-pixel"


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


@pytest.fixture
def pixel() -> Pixel:
    """One that may be sent to."""
    pixel = make_pixel()
    make_credential(pixel)
    return pixel


def stands(pixel: Pixel, now: datetime = NOW, due_count: int | None = None) -> Standing:
    return standing.of(standing.watched(Pixel.objects.filter(pk=pixel.pk), now).get(), now, due_count)


def queue(pixel: Pixel, since: datetime) -> None:
    make_delivery(make_conversion(), pixel=pixel, next_attempt_at=since)


def lane_of(pixel: Pixel, **fields: Any) -> Lane:
    Lane.objects.update_or_create(pixel=pixel, defaults=fields)
    return Lane.objects.of(pixel.pk)


def trip(pixel: Pixel, now: datetime, probes: int = 0) -> None:
    """Open the breaker, and have so many probes fail at the moments they are due."""
    for _ in range(FAILURES_TO_TRIP):
        Lane.objects.note_failure(Lane.objects.of(pixel.pk), "HTTP 502", now)
    for _ in range(probes):
        lane = Lane.objects.of(pixel.pk)
        Lane.objects.note_failure(lane, "HTTP 503", lane.probe_at or now)


def test_a_pixel_without_trouble_sends(pixel: Pixel):
    found = stands(pixel)

    assert (found.code, found.tone, found.until) == (Code.SENDING, "good", None)
    assert not Lane.objects.exists()


def test_a_pause_by_staff_says_since_when_and_why(pixel: Pixel):
    pixel.pause(Pixel.PausedBy.STAFF, "Campaign is over", ago(hours=2))

    found = stands(pixel)

    assert (found.code, found.since) == (Code.PAUSED, ago(hours=2))
    assert "since 10:00:00 UTC (2 hours ago). The reason: “Campaign is over”. Conversions" in found.words


def test_a_refused_credential_shows_the_message_and_the_way_out(pixel: Pixel):
    pixel.pause(Pixel.PausedBy.AUTH, "Access token is incorrect.", ago(days=2))

    found = stands(pixel)

    assert (found.code, found.tone) == (Code.REFUSED, "bad")
    assert "The reason: “Access token is incorrect.” The queue is kept. Rotate the credential" in found.words


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Credential.State.STAGED, Code.NO_CREDENTIAL),
        (Credential.State.REVOKED, Code.NO_CREDENTIAL),
        (Credential.State.RETIRING, Code.SENDING),
    ],
)
def test_what_is_staged_or_revoked_is_no_credential_to_send_with(state: str, expected: str):
    pixel = make_pixel()
    make_credential(pixel, state=state)

    assert stands(pixel).code == expected


def test_a_missing_credential_is_bad_once_something_waits_for_it():
    pixel = make_pixel()
    before = stands(pixel).tone
    queue(pixel, NOW)

    assert (before, stands(pixel).tone) == ("calm", "bad")


@pytest.mark.parametrize("probes", [0, 1, 3, 7])
def test_an_open_breaker_says_when_the_next_probe_goes_out(pixel: Pixel, probes: int):
    trip(pixel, ago(minutes=20), probes)
    lane = Lane.objects.of(pixel.pk)
    now = lane.failed_at + timedelta(seconds=1)

    found = stands(pixel, now)

    assert (found.code, found.since) == (Code.FAILING, ago(minutes=20))
    assert found.until == lane.failed_at + PROBE_PAUSES[min(probes, len(PROBE_PAUSES) - 1)]
    assert f"{probes} probe" in found.words or (not probes and "No probe has been made yet" in found.words)
    assert ("“HTTP 503”" if probes else "“HTTP 502”") in found.words


def test_a_breaker_whose_probe_is_due_or_under_way_is_half_open(pixel: Pixel):
    trip(pixel, ago(seconds=11))
    due = stands(pixel)
    assert Lane.objects.admit(Lane.objects.of(pixel.pk), 1, 5, NOW)

    under_way = stands(pixel, NOW + timedelta(seconds=2))

    assert Lane.objects.get().probe_at == NOW + PROBE_LEASE
    assert (due.code, due.until) == (under_way.code, under_way.until) == (Code.PROBING, None)


def test_a_probe_asked_for_is_due(pixel: Pixel):
    trip(pixel, ago(seconds=1), probes=0)

    assert Lane.objects.probe_now(Lane.objects.of(pixel.pk), NOW)

    assert stands(pixel).code == Code.PROBING


def test_a_rest_says_until_when_and_how_it_goes_on(pixel: Pixel):
    Lane.objects.slow_down(Lane.objects.of(pixel.pk), NOW + timedelta(seconds=40), NOW)

    found = stands(pixel)

    assert (found.code, found.until) == (Code.RESTING, NOW + timedelta(seconds=40))
    assert "until 12:00:40 UTC (in 40 seconds)" in found.words
    assert "at 50\N{NO-BREAK SPACE}% of full speed" in found.words


def test_after_a_rest_the_pace_and_the_time_of_full_speed_are_told(pixel: Pixel):
    for _ in range(2):
        lane = Lane.objects.of(pixel.pk)
        Lane.objects.slow_down(lane, (lane.rest_until or ago(minutes=3)) + timedelta(seconds=10), ago(minutes=2))
        Lane.objects.filter(pk=lane.pk).update(rest_until=ago(seconds=1), paced_at=ago(seconds=1), pace=0.25)

    found = stands(pixel)

    assert (found.code, found.until) == (Code.SLOWED, ago(seconds=1) + timedelta(minutes=2))
    assert "TikTok asked for fewer requests. Sending goes at 25\N{NO-BREAK SPACE}% of full speed" in found.words


def test_a_resumed_pixel_starts_gently_for_three_minutes(pixel: Pixel):
    pixel.resume(ago(minutes=1))

    found = stands(pixel)

    assert (found.code, found.until) == (Code.GENTLE, ago(minutes=1) + timedelta(minutes=3))
    assert "resumed at 11:59:00 UTC" in found.words
    assert stands(pixel, NOW + timedelta(minutes=2, seconds=1)).code == Code.SENDING


def test_after_an_outage_sending_starts_gently_too(pixel: Pixel):
    trip(pixel, ago(minutes=1))
    Lane.objects.note_success(Lane.objects.of(pixel.pk), ago(seconds=5))

    found = stands(pixel)

    assert (found.code, found.until) == (Code.GENTLE, ago(seconds=5) + timedelta(minutes=3))
    assert "TikTok works again after an outage" in found.words


def test_where_nothing_caps_a_pixel_its_pace_slows_nothing(pixel: Pixel, settings: Any):
    settings.TIKTOK_REQUESTS_PER_SECOND = 0
    pixel.resume(ago(seconds=1))

    assert stands(pixel).code == Code.SENDING


@pytest.mark.parametrize(
    ("caps", "code", "words"),
    [
        ({"max_events_per_second": 5}, Code.CAPPED, "This pixel's own cap is 5 conversions per second."),
        (
            {"max_requests_per_second": 0.5},
            Code.CAPPED,
            "This pixel's own cap is 0.5 requests per second, with up to 100",
        ),
        (
            {"max_requests_per_second": 2, "max_events_per_second": 1000},
            Code.CAPPED,
            "This pixel's own cap is 2 requests",
        ),
        ({}, Code.BUSY, "The site's usual rate is 16 requests per second, with up to 100 conversions each"),
    ],
)
def test_a_long_queue_says_by_which_cap(pixel: Pixel, caps: dict[str, Any], code: str, words: str):
    Pixel.objects.filter(pk=pixel.pk).update(**caps)
    queue(pixel, ago(minutes=2))
    lane_of(pixel, next_request=NOW.timestamp(), next_event=NOW.timestamp())

    found = stands(pixel)

    assert (found.code, found.until) == (code, None)
    assert words in found.words


def test_a_capped_queue_says_how_long_it_takes_when_it_was_counted(pixel: Pixel):
    Pixel.objects.filter(pk=pixel.pk).update(max_events_per_second=5)
    queue(pixel, ago(minutes=2))
    lane_of(pixel, next_event=NOW.timestamp())

    counted, many = stands(pixel, due_count=4200), stands(pixel, due_count=standing.COUNT_LIMIT)

    assert (counted.until, many.until) == (NOW + timedelta(seconds=4200 / 5), None)
    assert "takes about 14 minutes" in counted.words
    assert "takes at least 33 minutes" in many.words


@pytest.mark.parametrize(
    ("due_since", "last_request", "expected"),
    [
        (ago(minutes=6), ago(minutes=2), Code.STALLED),
        (ago(minutes=6), ago(seconds=20), Code.BUSY),
        (ago(minutes=4), ago(seconds=20), Code.BUSY),
        (ago(minutes=4), ago(minutes=9), Code.SENDING),
        (ago(seconds=30), ago(minutes=9), Code.SENDING),
    ],
)
def test_what_nobody_takes_for_minutes_is_no_matter_of_caps(
    pixel: Pixel, due_since: datetime, last_request: datetime, expected: str
):
    queue(pixel, due_since)
    lane_of(pixel, next_request=last_request.timestamp())

    assert stands(pixel).code == expected


def test_what_a_person_must_end_comes_before_what_ends_by_itself(pixel: Pixel):
    trip(pixel, ago(seconds=1))
    Lane.objects.slow_down(Lane.objects.of(pixel.pk), NOW + timedelta(minutes=1), NOW)
    assert stands(pixel).code == Code.FAILING

    Credential.objects.all().delete()
    assert stands(pixel).code == Code.NO_CREDENTIAL

    pixel.pause(Pixel.PausedBy.STAFF, "", NOW)
    assert stands(pixel).code == Code.PAUSED


def test_a_probe_waits_for_the_rest_that_tiktok_asked_for(pixel: Pixel):
    trip(pixel, ago(seconds=1))
    Lane.objects.slow_down(Lane.objects.of(pixel.pk), NOW + timedelta(minutes=5), NOW)

    assert stands(pixel).until == NOW + timedelta(minutes=5)


def test_every_code_has_a_tone_of_the_badges():
    assert set(standing.TONES) == set(Code)
    assert set(standing.TONES.values()) <= {"good", "busy", "warn", "bad", "calm"}


def test_many_pixels_cost_one_query(pixel: Pixel, django_assert_num_queries: Any):
    for _ in range(4):
        trip(make_pixel(), ago(seconds=1))

    with django_assert_num_queries(1):
        codes = [standing.of(row, NOW).code for row in standing.watched(Pixel.objects.all(), NOW)]

    assert sorted(codes) == [Code.NO_CREDENTIAL] * 4 + [Code.SENDING]


def test_the_rate_in_force_names_caps_and_pace(pixel: Pixel, settings: Any):
    usual = rates.rate_in_words(Lane(pixel=pixel), NOW)
    pixel.max_events_per_second, pixel.resumed_at = 4, NOW
    slow = rates.rate_in_words(Lane(pixel=pixel), NOW)
    settings.TIKTOK_REQUESTS_PER_SECOND, pixel.max_events_per_second = 0, None
    free = rates.rate_in_words(Lane(pixel=pixel), NOW)

    assert usual == "At most 16 requests per second, with up to 100 conversions each."
    assert slow == (
        "At most 0.5 conversions per second, in at most 2 requests per second, with up to 1 conversion each. "
        "This is 12\N{NO-BREAK SPACE}% of full speed."
    )
    assert free == "As fast as the workers and TikTok can: there is no cap."
