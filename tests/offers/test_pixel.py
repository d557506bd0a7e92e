"""Pixels: what staff may type in, and pausing."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from offers.models import Pixel
from tests.factories import make_pixel

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "code", ["short", "c4abcdef1234567890ab", "C4ABCDEF12345678 0AB", 'C4ABCDEF"</script>', "C" * 41, "Ç4ABCDEF1234567"]
)
def test_a_code_that_is_none_of_tiktoks_is_refused(code: str):
    with pytest.raises(ValidationError) as raised:
        Pixel(name="A pixel", code=code).full_clean()

    assert set(raised.value.message_dict) == {"code"}


def test_the_database_refuses_a_code_twice():
    make_pixel(code="C4ABCDEF1234567890AB")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_pixel(code="C4ABCDEF1234567890AB")


@pytest.mark.parametrize("environment", ["development", "staging"])
def test_outside_production_a_pixel_needs_a_test_event_code(environment: str):
    with pytest.raises(ValidationError) as raised:
        make_pixel(environment=environment).full_clean()

    assert set(raised.value.message_dict) == {"test_event_code"}


def test_ordinary_events_of_a_production_pixel_carry_no_test_event_code():
    assert make_pixel(test_event_code="TEST1").live_test_event_code == ""
    assert make_pixel(test_event_code="TEST1", environment="staging").live_test_event_code == "TEST1"


def test_a_paused_pixel_is_not_sent_to_until_it_is_resumed():
    pixel, now = make_pixel(), timezone.now()

    pixel.pause(Pixel.PausedBy.STAFF, "x" * 400, now)
    paused = list(Pixel.objects.sending())
    pixel.resume(timezone.now())

    assert paused == []
    assert list(Pixel.objects.sending()) == [pixel]
