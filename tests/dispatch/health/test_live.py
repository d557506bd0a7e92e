from datetime import timedelta

import pytest
from django.utils import timezone

from dispatch.findings.finding import Scope
from dispatch.health import live as module
from dispatch.health.live import live, tokens
from dispatch.models import TellingSlot
from dispatch.rollups.slots import slot_of
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_what_waits_is_told_by_when_the_oldest_was_recorded_and_tests_are_left_out():
    offer, now = make_offer(), timezone.now()
    for hours in (1, 3):
        conversion = make_conversion(make_click(offer), created_at=now - hours * HOUR)
        make_delivery(conversion, next_attempt_at=now + HOUR)
    test = make_conversion(make_click(offer), created_at=now - 9 * HOUR, is_test=True)
    make_delivery(test, is_test=True)

    found = live(Scope.OFFER, now)

    assert found[offer.pk].waiting_since == now - 3 * HOUR
    assert live(Scope.PIXEL, now)[offer.pixel_id].waiting_since == now - 3 * HOUR


def test_dead_letters_are_those_that_nobody_has_decided_on():
    offer = make_offer()
    for status, reason in [
        ("dead", "invalid"), ("held", "outcome_unknown"), ("held", "no_rate"), ("discarded", "invalid"),
    ]:  # fmt: skip
        make_delivery(make_conversion(make_click(offer)), status=status, reason=reason)

    found = live(Scope.NETWORK, timezone.now())[offer.network_id]

    assert (found.dead, found.held, found.is_capped) == (2, {"no_rate": 1}, False)


def test_a_queue_too_long_to_be_looked_through_is_told_by_the_sums(monkeypatch):
    monkeypatch.setattr(module, "COUNT_LIMIT", 1)
    early, late, now = make_offer(), make_offer(), timezone.now()
    for offer in (early, late):
        make_delivery(make_conversion(make_click(offer), created_at=now - HOUR))
    TellingSlot.objects.create(offer=late, pixel=late.pixel, starts_at=slot_of(now - 5 * HOUR), waiting=7)

    found = live(Scope.OFFER, now)

    assert found[late.pk].waiting_since == slot_of(now - 5 * HOUR)


def test_a_credential_is_due_after_the_days_that_are_set(settings):
    settings.CREDENTIAL_ROTATION_DAYS = 30
    now = timezone.now()
    pixel = make_credential(make_offer().pixel, activated_at=now - timedelta(days=31)).pixel

    token = tokens([pixel.pk], now)[pixel.pk]
    assert (token.age_days, token.is_due) == (31, True)

    settings.CREDENTIAL_ROTATION_DAYS = 0
    assert (token.due_at, token.is_due) == (None, False)
