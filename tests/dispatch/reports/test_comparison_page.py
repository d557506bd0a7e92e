"""A comparison in two requests: the page at once, and what takes longer when the page's script asks for it."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import make_click, make_conversion, make_offer
from tests.staff import staff_client

pytestmark = pytest.mark.django_db
FETCH = {"X-Requested-With": "fetch"}
THEIRS: dict[str, dict[str, str]] = {
    "network": {"count": "3", "payout": "100.50", "counts": "approved"},
    "tiktok": {"count": "3", "event": "Purchase"},
}
FRAME, LINES = "<form", "Unexplained"

both = pytest.mark.parametrize("name", THEIRS)


def take(name: str, may: str = "dispatch.view_report", headers: Any = None, **params: Any) -> Any:
    url = reverse(f"admin:dispatch_report_{name}")
    return staff_client(may).get(url, {"period": "30", **THEIRS[name], **params}, headers=headers)


def sold() -> int:
    """An offer with a sale of today, by its key."""
    offer = make_offer()
    make_conversion(make_click(offer))
    return offer.pk


@both
def test_the_page_compares_nothing_by_itself_and_says_what_it_will_compare(name: str):
    offer = sold()

    with CaptureQueriesContext(connection) as asked:
        shown = take(name, offer=offer).content.decode()

    assert not [each for each in asked if "conversions_conversion" in each["sql"]]
    assert "Comparing with 30 days of conversions …" in shown
    assert LINES not in shown


@both
def test_the_script_is_given_the_lines_alone(name: str):
    offer = sold()

    with CaptureQueriesContext(connection) as asked:
        shown = take(name, headers=FETCH, offer=offer, answer="1").content.decode()

    assert [each for each in asked if "conversions_conversion" in each["sql"]]
    assert LINES in shown
    assert FRAME not in shown


@both
def test_without_a_script_a_link_leads_to_the_whole_page(name: str):
    offer = sold()
    first = take(name, offer=offer)

    whole = take(name, offer=offer, answer="1").content.decode()

    [link] = {part.split('"')[0] for part in first.content.decode().split('href="?')[1:] if "answer=1" in part}
    assert f"offer={offer}" in link
    assert "count=3" in link
    assert FRAME in whole
    assert LINES in whole
    assert "Comparing" not in whole


@both
def test_before_a_number_is_entered_there_is_nothing_to_wait_for(name: str):
    url = reverse(f"admin:dispatch_report_{name}")

    shown = staff_client("dispatch.view_report").get(url, {"offer": sold(), "answer": "1"}).content.decode()

    assert FRAME in shown
    assert "Comparing" not in shown
    assert LINES not in shown


@both
def test_the_answer_is_for_the_same_people_and_for_reading_only(name: str):
    offer = sold()
    url = reverse(f"admin:dispatch_report_{name}")

    refused = take(name, may="conversions.view_conversion", headers=FETCH, offer=offer, answer="1")
    posted = staff_client("dispatch.view_report").post(f"{url}?offer={offer}&answer=1", headers=FETCH)

    assert (refused.status_code, posted.status_code) == (403, 405)
