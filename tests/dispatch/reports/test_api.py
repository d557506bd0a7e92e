"""Reports as JSON: the same figures as on the page, decimals in full."""

from decimal import Decimal

import pytest
from django.core.cache import cache

from dispatch import clock
from tests.dispatch.api.support import caller, failure
from tests.dispatch.reports.slots import NOW, ago, put
from tests.factories import make_offer

pytestmark = pytest.mark.django_db
REPORT = "/api/v1/report/"


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    cache.clear()


def test_a_program_asks_the_same_as_the_page():
    put(make_offer(), ago(hours=1), clicks=3, country="DE")
    put(make_offer(), ago(hours=1), "Purchase", "UGX", approved=1, payout=Decimal("9.50"), country="DE")

    found = caller("dispatch.view_report").get(REPORT, {"by": "country", "period": "today"}).json()

    line = found["lines"][0]
    assert (line["key"], line["name"], line["before"]["figures"]["clicks"]) == ({"country": "DE"}, ["DE"], 0)
    assert (line["now"]["figures"]["clicks"], line["now"]["figures"]["conversion_rate"][:6]) == (3, "0.3333")
    assert line["now"]["unconverted"] == {"payout": {"UGX": "9.50"}}
    assert (found["currency"], found["zone"], found["others"]) == ("USD", "UTC", None)
    assert found["before"]["until"] == "2026-11-19T12:30:00Z"


def test_an_offer_and_a_network_are_named_by_slug_or_by_number():
    offer = make_offer()
    put(offer, ago(hours=1), clicks=3)
    put(make_offer(), ago(hours=1), clicks=4)
    client = caller("dispatch.view_report")

    ways = [{"offer": offer.slug}, {"offer": str(offer.pk)}, {"network": offer.network.slug}]
    clicks = [client.get(REPORT, way).json()["total"]["now"]["figures"]["clicks"] for way in ways]

    assert clicks == ["3", "3", "3"] or clicks == [3, 3, 3]
    for unknown in ("nobody", "a\x00b", "٣", "9" * 30, "999999", " ", "1.0"):
        assert failure(client.get(REPORT, {"offer": unknown})) == (400, "bad_request")


def test_a_wrong_question_and_a_stranger_are_told_so():
    assert failure(caller("dispatch.view_report").get(REPORT, {"by": "moon"})) == (400, "bad_request")
    assert failure(caller("dispatch.view_report").get(REPORT, {"group": "offer"})) == (400, "bad_request")
    assert failure(caller("dispatch.view_report").get(REPORT, {"since": "abc"})) == (400, "bad_request")
    assert failure(caller("dispatch.view_alert").get(REPORT))[0] == 403


def test_who_names_days_means_these():
    days = {"since": "2026-11-01", "until": "2026-11-02"}

    period = caller("dispatch.view_report").get(REPORT, days).json()["period"]

    assert period == {"since": "2026-11-01T00:00:00Z", "until": "2026-11-03T00:00:00Z"}
