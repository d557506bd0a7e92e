"""Reports from the sums: what is grouped, filtered, compared, and by whose days."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.models import SourceSlot
from dispatch.reports.asking import UnreadableReportError, read
from dispatch.reports.query import Answer, answer
from tests.dispatch.reports.slots import NOW, ago, every_half_hour, put
from tests.factories import make_offer

pytestmark = pytest.mark.django_db


def ask(most: int = 200, **params: str) -> Answer:
    return answer(read(params, NOW), NOW, most)


def clicks(found: Answer) -> dict[Any, int]:
    return {line.key if len(line.key) > 1 else line.key[0]: line.sums.clicks for line in found.lines}


def test_sums_are_grouped_with_all_their_figures():
    one, two = make_offer(), make_offer()
    put(one, ago(hours=1), clicks=90, robots=7)
    put(one, ago(hours=2), "Purchase", "USD", approved=2, pending=1, payout=Decimal("80.10"), sent=2, accepted=1)
    put(one, ago(hours=2), "Purchase", "EUR", approved=1, payout=Decimal("0.05"), pending_payout=Decimal(4))
    put(two, ago(days=2), clicks=10, robots=1)

    found = ask(by="offer")

    first, second = found.lines
    assert (first.key, first.sums.clicks, first.sums.robots, first.sums.sales) == ((one.pk,), 90, 7, 4)
    assert (first.sums.payout, first.sums.pending_payout) == (
        {"USD": Decimal("80.10"), "EUR": Decimal("0.05")}, {"EUR": Decimal(4)},
    )  # fmt: skip
    assert (second.key, second.sums.clicks, found.whole.sums.clicks) == ((two.pk,), 10, 100)
    assert (first.sums.accepted_share, first.sums.conversion_rate) == (Decimal("0.5"), Decimal(4) / 90)


def test_what_no_room_is_for_is_summed_as_all_others():
    offer = make_offer()
    for number in range(4):
        put(offer, ago(hours=1), clicks=10 + number, campaign_id=f"c{number}")

    found = ask(by="campaign_id", most=2)

    assert clicks(found) == {"c3": 13, "c2": 12}
    assert found.others is not None
    assert (found.others.sums.clicks, found.whole.sums.clicks) == (21, 46)


def test_the_days_before_stand_beside_each_line():
    offer = make_offer()
    put(offer, ago(days=1), clicks=30)
    put(offer, ago(days=8), clicks=20)
    put(offer, ago(days=16), clicks=999)

    line = ask(by="network").lines[0]
    days = ask(by="day").lines

    assert line.before is not None
    assert (line.key, line.sums.clicks, line.before.clicks) == ((offer.network_id,), 30, 20)
    assert [(day.key, day.sums.clicks, day.before and day.before.clicks) for day in days] == [
        ((date(2026, 11, 19),), 30, 20)
    ]


def test_a_day_that_is_not_over_is_compared_with_as_much_of_the_day_before():
    every_half_hour(make_offer(), datetime(2026, 11, 19, tzinfo=UTC), 36, clicks=1)

    whole = ask(period="today").whole

    assert whole.before is not None
    assert (whole.sums.clicks, whole.before.clicks) == (24, 25)  # with the half-hour that has begun


@pytest.mark.parametrize("by", ["offer", "country"])
@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Kolkata", date(2026, 11, 18), 24),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)
def test_a_day_has_as_many_half_hours_as_the_readers_clock(zone: str, day: date, hours: float, by: str):
    every_half_hour(make_offer(), datetime(day.year, day.month, day.day - 1, tzinfo=UTC), 72, clicks=1)
    own = {"period": "own", "since": str(day), "until": str(day), "zone": zone, "compare": "0"}

    whole, by_day = ask(by=by, **own), ask(by="day", then=by, **own)
    by_hour = ask(by="hour", **own)

    assert whole.whole.sums.clicks == whole.lines[0].sums.clicks == hours * 2
    assert [(line.key[0], line.sums.clicks) for line in by_day.lines] == [(day, hours * 2)]
    assert len(by_hour.lines) == int(hours + 0.5)
    assert sum(line.sums.clicks for line in by_hour.lines) == hours * 2
    assert by_hour.lines[0].key[0] == datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def test_whole_days_come_from_the_days_and_their_edges_from_the_half_hours():
    offer = make_offer()
    every_half_hour(offer, datetime(2026, 11, 10, tzinfo=UTC), 96, clicks=1, campaign_id="c")
    SourceSlot.objects.filter(starts_at__gte=datetime(2026, 11, 12, tzinfo=UTC), starts_at__lt=NOW).delete()
    own = {"period": "own", "since": "2026-11-11", "until": "2026-11-14", "zone": "Europe/Berlin", "compare": "0"}

    found = ask(by="campaign_id", **own)

    assert clicks(found) == {"c": 2 + 3 * 48}


def test_a_filter_by_event_leaves_the_clicks_in_and_lines_by_event_have_none():
    offer = make_offer()
    put(offer, ago(hours=1), clicks=50, country="DE")
    put(offer, ago(hours=1), "Purchase", "USD", approved=2, country="DE")
    put(offer, ago(hours=1), "Lead", "", tracked=9)

    filtered = ask(event="Purchase")
    grouped = ask(by="event")

    assert (filtered.whole.sums.clicks, filtered.whole.sums.conversions) == (50, 2)
    assert [(line.key[0], line.sums.conversions) for line in grouped.lines] == [("Lead", 9), ("Purchase", 2)]
    assert grouped.lines[0].sums.conversion_rate is None
    assert (grouped.whole.sums.clicks, grouped.others) == (50, None)


def test_filters_by_source_take_an_empty_value_too():
    offer = make_offer()
    put(offer, ago(hours=1), clicks=5, campaign_id="c", country="DE")
    put(offer, ago(hours=1), clicks=3, country="DE")

    assert clicks(ask(by="country", campaign_id="(not given)")) == {"DE": 3}
    assert clicks(ask(by="campaign_id", then="country", country="de")) == {("c", "DE"): 5, ("", "DE"): 3}
    assert ask(campaign_id="c", offer=str(offer.pk), zone="Asia/Kolkata", period="30").whole.sums.clicks == 5


@pytest.mark.parametrize(
    ("by", "queries"),
    [({"by": "offer"}, 1), ({"by": "ad_id", "then": "event"}, 2), ({"by": "day", "then": "offer"}, 1)],
)
def test_a_report_reads_the_sums_once_or_twice_however_much_there_is(by: dict[str, str], queries: int):
    for _ in range(3):
        put(make_offer(), ago(days=3), clicks=5, ad_id="a")

    with CaptureQueriesContext(connection) as asked:
        ask(**by)

    assert sum("dispatch_" in query["sql"] for query in asked) == queries


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ({"zone": "Asia/Kathmandu"}, "zone", "no time zone of this list"),
        ({"zone": "../etc"}, "zone", "no time zone"),
        ({"period": "century"}, "period", "no period"),
        ({"period": "own", "since": "2026-11-01"}, "until", "Enter this day"),
        ({"period": "own", "since": "2026-02-30", "until": "2026-03-01"}, "since", "2026-01-31"),
        ({"period": "own", "since": "2026-11-02", "until": "2026-11-01"}, "until", "Exchange them"),
        ({"period": "own", "since": "2024-01-01", "until": "2026-11-01"}, "period", "366 days at most"),
        ({"period": "30", "by": "hour", "then": "country"}, "period", "7 is the most"),
        ({"period": "30", "by": "day", "country": "DE", "zone": "Asia/Kolkata"}, "period", "group by day in UTC"),
        ({"by": "moon"}, "by", "choose one of"),
        ({"then": "moon"}, "then", "choose one of"),
        ({"sort": "moon"}, "sort", "choose one of"),
        ({"currency": "XXX"}, "currency", "choose one of"),
        ({"offer": "1; DROP"}, "offer", "from the list"),
        ({"offer": "٣"}, "offer", "from the list"),
        ({"country": "\x00"}, "country", "NUL"),
        ({"ad_id": "a" * 101}, "ad_id", "100 letters"),
    ],
)
def test_what_makes_no_report_is_told_by_field(params: dict[str, str], field: str, words: str):
    with pytest.raises(UnreadableReportError) as error:
        read(params, NOW)

    assert words in error.value.errors[field]


def test_the_address_of_a_question_asks_the_same_again():
    params = {"period": "own", "since": "2026-11-01", "until": "2026-11-03", "by": "ad_id", "then": "day", "offer": "7"}

    question = read({**params, "zone": "Europe/Berlin", "currency": "EUR", "compare": "0"}, NOW)

    assert read(question.params, NOW) == question
