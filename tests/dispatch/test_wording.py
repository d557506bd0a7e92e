"""Times, spans and numbers as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatch import wording

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a moment"),
        (1, "1 second"),
        (34, "34 seconds"),
        (119, "119 seconds"),
        (180, "3 minutes"),
        (7200, "2 hours"),
        (86400 * 2.6, "3 days"),
        (-5, "a moment"),
    ],
)
def test_a_span_is_told_in_one_unit(seconds: float, words: str):
    assert wording.in_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=34), "00:30:34 UTC (in 34 seconds)"),
        (timedelta(minutes=-3), "00:27:00 UTC (3 minutes ago)"),
        (timedelta(hours=-3), "21:30 UTC on 1 Mar (3 hours ago)"),
    ],
)
def test_a_time_has_its_zone_and_its_distance(away: timedelta, words: str):
    assert wording.at(NOW + away, NOW) == words


def test_a_quotation_is_one_short_line_that_ends_the_sentence():
    assert wording.quoted("HTTP 502\n\n  from nginx") == "“HTTP 502 from nginx”."
    assert wording.quoted("Access token is incorrect.") == "“Access token is incorrect.”"
    assert len(wording.quoted("x" * 500)) == wording.MOST_QUOTED + 3


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "none"), (1, "1 delivery"), (4200, "4,200 deliveries"), (10_000, "10,000 or more deliveries")],
)
def test_deliveries_are_counted_as_far_as_it_tells_anything(count: int, words: str):
    assert wording.deliveries(count) == words


@pytest.mark.parametrize(("value", "words"), [(0.125, "0.125"), (16.0, "16"), (12.34, "12.3"), (1600.0, "1,600")])
def test_a_rate_has_three_digits(value: float, words: str):
    assert wording.number(value) == words
