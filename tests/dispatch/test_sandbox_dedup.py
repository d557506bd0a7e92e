"""The sandbox counts an event once, by TikTok's key and windows."""

import pytest

from dispatch.tiktok.sandbox import arrivals, queries
from dispatch.tiktok.sandbox.database import Database

MINUTE, HOUR = 60, 3600


@pytest.fixture
def database():
    database = Database(":memory:")
    yield database
    database.close()


def arrive(database, leg, at, *, event="Purchase", event_id="e-1", pixel_code="PIXELCODE1", test=""):
    copy = arrivals.Copy(leg, pixel_code, event, event_id, {"event": event}, test)
    arrivals.record(database, 1_790_000_000 + at, None, [copy])
    return queries.copies(database)[-1]["verdict"]


def test_counts_the_first_copy(database):
    assert arrive(database, "server", 0) == "counted"


@pytest.mark.parametrize(("first", "second"), [("server", "browser"), ("browser", "server")])
def test_merges_the_other_leg_within_five_minutes(database, first, second):
    arrive(database, first, 0)

    assert arrive(database, second, 5 * MINUTE) == "merged"


def test_drops_the_other_leg_after_five_minutes(database):
    arrive(database, "browser", 0)

    assert arrive(database, "server", 5 * MINUTE + 1) == "deduplicated"


def test_drops_a_repeat_of_the_same_leg(database):
    arrive(database, "server", 0)

    assert arrive(database, "server", 1) == "deduplicated"
    assert arrive(database, "browser", 2) == "merged"
    assert arrive(database, "browser", 3) == "deduplicated"


def test_counts_again_48_hours_after_the_first_copy(database):
    arrive(database, "server", 0)
    arrive(database, "server", 47 * HOUR)

    assert arrive(database, "server", 48 * HOUR - 1) == "deduplicated"
    assert arrive(database, "server", 48 * HOUR) == "counted"
    assert arrive(database, "server", 95 * HOUR) == "deduplicated"


@pytest.mark.parametrize("other", [{"event": "Lead"}, {"event_id": "e-2"}, {"pixel_code": "PIXELCODE2"}])
def test_counts_what_differs_in_one_part_of_the_key(database, other):
    arrive(database, "server", 0)

    assert arrive(database, "server", 1, **other) == "counted"


def test_cannot_compare_events_without_an_id(database):
    arrive(database, "browser", 0, event="Pageview", event_id="")

    assert arrive(database, "browser", 1, event="Pageview", event_id="") == "counted"


def test_never_counts_a_test_event(database):
    assert arrive(database, "server", 0, test="TEST123") == "test"
    assert arrive(database, "server", 1) == "counted"
    assert arrive(database, "server", 2, test="TEST123") == "test"


def test_sums_up_events_and_copies(database):
    arrive(database, "server", 0)
    arrive(database, "browser", 1)
    arrive(database, "server", 2)
    arrive(database, "server", 3, test="TEST123", event_id="e-2")

    summary = queries.summary(database)

    assert summary["events"] == 1
    assert summary["verdicts"] == {"counted": 1, "deduplicated": 1, "merged": 1, "test": 1}
    assert summary["legs"] == {"browser": 1, "server": 3}
