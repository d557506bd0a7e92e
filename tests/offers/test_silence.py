"""When a network counts as silent."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from offers.models import Network
from offers.silence import in_hours, silent_for

NOW = timezone.make_aware(datetime(2026, 11, 22, 12))
HOUR = timedelta(hours=1)


def quiet(hours: float, **fields: object) -> timedelta | None:
    """How long a network is silent that called last so many hours ago."""
    network = Network(**{"silence_hours": 24, "heard_at": NOW - hours * HOUR, **fields})
    network.created_at = NOW - 100 * HOUR
    return silent_for(network, NOW)


def test_longer_than_it_may_is_silent():
    assert quiet(25) == 25 * HOUR
    assert quiet(24) is None
    assert quiet(1) is None


def test_one_that_never_called_is_counted_from_its_first_day():
    assert quiet(0, heard_at=None) == 100 * HOUR


def test_nobody_asked_or_nobody_listens():
    assert quiet(25, silence_hours=None) is None
    assert quiet(25, is_active=False) is None


@pytest.mark.parametrize(
    ("hours", "words"), [(1, "1 hour"), (30.9, "30 hours"), (47.9, "47 hours"), (48, "2 days"), (100, "4 days")]
)
def test_a_span_is_told_in_whole_hours_or_days(hours: float, words: str):
    assert in_hours(hours * HOUR) == words
