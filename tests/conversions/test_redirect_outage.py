"""The database is away, and the visitor is led on all the same."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from conversions import configuration, unrecorded, views
from conversions.models import Click
from conversions.unrecorded import Outage
from offers.models import Offer
from tests.factories import make_offer, standby_error

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def monotonic(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock for outages that tests set, and an outage that nobody knows of yet."""
    clock = SimpleNamespace(now=1000.0)
    own = Outage()
    for module in (unrecorded, views):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
        monkeypatch.setattr(module, "outage", own)
    return clock


@contextmanager
def away(error: Exception | None = None, takes: float = 0, clock: SimpleNamespace | None = None) -> Iterator[list[str]]:
    """Every statement fails; the statements that were tried."""
    tried: list[str] = []

    def fail(execute, sql, *args):
        tried.append(sql)
        if clock:
            clock.now += takes
        raise error or OperationalError("server closed the connection")

    with connection.execute_wrapper(fail):
        yield tried


def seen(**fields) -> Offer:
    """An offer whose link this process has served before, long ago."""
    offer = make_offer(**fields)
    Client().get(f"/c/{offer.slug}/")
    configuration.offers.rows = {slug: (0.0, row) for slug, (_, row) in configuration.offers.rows.items()}
    Click.objects.all().delete()
    return offer


@pytest.mark.parametrize("error", [OperationalError(), InterfaceError(), standby_error()])
def test_the_visitor_is_led_to_the_landing_page_with_the_whole_query(error: Exception):
    offer = seen(landing_url="https://landing.example/{utm_term}?v=2&c={click_id}#top")

    with away(error):
        response = Client().get(f"/c/{offer.slug}/?ttclid=E.C.P.a%2fb&utm_term=red&click_id=somebody-elses&x=%C3%A9")

    assert response.status_code == 302
    assert response["Location"] == ("https://landing.example/red?v=2&c=&ttclid=E.C.P.a%2fb&utm_term=red&x=%C3%A9#top")
    assert (len(response.cookies), Click.objects.count()) == (0, 0)


@pytest.mark.parametrize("fields", [{"landing_url": ""}, {"slug": "never-seen"}])
def test_without_a_landing_page_that_is_known_the_visitor_is_told_to_try_again(fields: dict[str, str]):
    offer = make_offer(**fields) if "slug" in fields else seen(**fields)

    with away():
        response = Client().get(f"/c/{offer.slug}/")

    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_a_fault_of_ours_is_not_taken_for_an_outage():
    offer = seen()

    with away(ValueError("ours")), pytest.raises(ValueError, match="ours"):
        Client().get(f"/c/{offer.slug}/")


def test_a_full_offer_leads_to_its_fallback_as_it_did_before():
    fallback = seen(landing_url="https://fallback.example/")
    offer = seen(daily_cap=0, fallback_offer=fallback)

    with away():
        response = Client().get(f"/c/{offer.slug}/")

    assert response["Location"] == "https://fallback.example/"


def test_many_visitors_are_one_line_in_the_log(log: io.StringIO, monotonic: SimpleNamespace):
    offer = seen()

    with away():
        for second in range(9):
            monotonic.now = 1000 + second
            Client().get(f"/c/{offer.slug}/")

    lines = [line.partition("ERROR ")[2] for line in log.getvalue().splitlines()]
    assert lines == [
        "conversions.unrecorded: No answer from the database: OperationalError; 1 led on without a record",
        "conversions.unrecorded: No answer from the database: OperationalError; 5 led on without a record",
    ]


def test_a_database_that_takes_its_time_to_fail_is_left_alone_for_as_long(monotonic: SimpleNamespace):
    offer = seen()
    with away(takes=4, clock=monotonic):
        Client().get(f"/c/{offer.slug}/")

    with away() as tried:
        monotonic.now += 3.9
        assert Client().get(f"/c/{offer.slug}/").status_code == 302
        assert tried == []
    monotonic.now += 0.2
    Client().get(f"/c/{offer.slug}/")

    assert Click.objects.count() == 1
