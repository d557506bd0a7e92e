"""What TikTok can match: which identifiers it gets with which event, and whether the Pixel fired as well."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversions import coverage
from conversions.coverage import WEIGHTS, Coverage, EventCoverage, arrivals_of, coverage_of
from conversions.models import Conversion, Sighting
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_offer

pytestmark = pytest.mark.django_db
VIEW = {"trigger": "page", "event_name": "ViewContent"}
SALE = {"trigger": "approved", "event_name": "Purchase"}
EVERYTHING = {"send_email": True, "send_phone": True, "send_external_id": True}


@pytest.fixture(autouse=True)
def _public_site(settings):
    settings.PUBLIC_BASE_URL = "https://track.example"


def read(offer: Offer) -> Coverage:
    return coverage_of(offer, list(offer.event_rules.select_related("offer")), timezone.now())


def event_of(offer: Offer, name: str = "Purchase") -> EventCoverage:
    return next(event for event in read(offer).events if event.event_name == name)


def test_the_weights_make_a_full_score():
    assert sum(WEIGHTS.values()) == coverage.FULL_SCORE


def test_an_event_with_every_identifier_has_the_full_score():
    offer = make_offer([SALE], **EVERYTHING)
    make_conversion(make_click(offer, ttp="ttp-1"), email_sha256="a" * 64, phone_sha256="b" * 64)

    event = event_of(offer)

    assert (event.score, event.weakest) == (10.0, "")


def test_only_what_the_offer_approves_counts():
    offer = make_offer([SALE])
    make_conversion(make_click(offer, ttp="ttp-1"), email_sha256="a" * 64, phone_sha256="b" * 64)

    event = event_of(offer)

    assert set(event.told) == {"ttclid", "ttp", "browser"}
    assert event.share_held("email") == 1
    assert (event.score, event.weakest) == (5.0, "email")


def test_what_the_page_told_of_the_visitor_counts_too():
    offer = make_offer([SALE], **EVERYTHING)
    make_conversion(make_click(offer, email_sha256="a" * 64))

    assert event_of(offer).share("email") == 1


def test_an_address_without_a_browser_or_of_our_own_network_is_none():
    offer = make_offer([SALE])
    for fields in ({"ip": "10.0.0.7"}, {"ip": None}, {"user_agent": ""}, {}):
        make_conversion(make_click(offer, **fields))

    assert event_of(offer).share("browser") == 0.25


def test_what_tiktok_may_not_hear_of_is_counted_apart():
    offer = make_offer([SALE], consent_required=True, consent_countries="DE")
    for fields in (
        {"robot": "bot", "consent": "granted"}, {"erased_at": timezone.now()}, {"consent": "denied"},
        {"consent": "withdrawn"}, {"country": "DE"}, {"country": ""}, {"country": "US"},
    ):  # fmt: skip
        make_conversion(make_click(offer, **fields))

    found = read(offer)

    assert found.untold == {"robot": 1, "erased": 1, "refused": 2, "unasked": 2}
    assert found.events[0].count == 1


def test_an_event_of_the_pixel_alone_has_no_server_leg_to_cover():
    offer = make_offer([{**VIEW, "legs": "pixel"}, SALE])

    assert [event.event_name for event in read(offer).events] == ["Purchase"]


def test_only_the_last_week_of_this_offer_counts_and_of_it_the_newest(monkeypatch):
    monkeypatch.setattr(coverage, "NEWEST", 2)
    offer, now = make_offer([SALE]), timezone.now()
    click = make_click(offer)
    make_conversion()
    make_conversion(click, created_at=now - timedelta(days=8))
    assert read(offer).read == 0

    for _ in range(3):
        make_conversion(click)

    assert read(offer).read == 2


def test_the_match_ratio_is_what_browsers_said():
    offer = make_offer([VIEW, SALE, {**VIEW, "event_name": "Lead", "legs": "server"}])
    click = make_click(offer)
    for outcomes in (["fired"], ["blocked"], ["blocked", "fired"], []):
        conversion = make_conversion(click, event_name="ViewContent")
        for outcome in outcomes:
            Sighting.objects.create(conversion=conversion, outcome=outcome, created_at=timezone.now())

    (view,) = read(offer).matched

    assert (view.count, view.fired, view.blocked, view.unheard, view.ratio) == (4, 2, 1, 1, 0.5)


def test_a_postbacks_event_is_matched_once_a_page_calls_it():
    offer = make_offer([SALE])
    conversion = make_conversion(make_click(offer))
    assert read(offer).matched == []

    Sighting.objects.create(conversion=conversion, outcome="fired", created_at=timezone.now())

    assert read(offer).matched[0].ratio == 1


def test_answers_and_robots_are_counted_by_click():
    offer = make_offer(consent_required=True, consent_countries="DE")
    for fields in (
        {"consent": "granted"}, {"consent": "granted"}, {"consent": "denied"}, {"consent": "withdrawn"},
        {"country": "DE"}, {"country": "US"}, {"robot": "bot", "consent": "granted"}, {"robot": "prefetch"},
    ):  # fmt: skip
        make_click(offer, **fields)
    make_click(offer, created_at=timezone.now() - timedelta(days=8))
    make_click()

    found = arrivals_of(offer, timezone.now())

    assert found.answers == {"granted": 2, "denied": 1, "withdrawn": 1, "unasked": 1, "free": 1}
    assert (found.read, found.visitors, found.robots) == (8, 6, {"bot": 1, "prefetch": 1})


def test_it_agrees_with_a_plain_recount_in_one_query():
    offer = make_offer([VIEW, SALE], send_email=True)
    for number in range(60):
        a_conversion(offer, random.Random(number))

    with CaptureQueriesContext(connection) as queries:
        found = coverage_of(offer, list(offer.event_rules.select_related("offer")), timezone.now())

    assert len(queries) == 2  # the rules, then everything
    for event in found.events:
        rows = list(Conversion.objects.filter(event_name=event.event_name, click__robot=""))
        plain = {
            "ttclid": [row.click.ttclid for row in rows],
            "ttp": [row.click.ttp for row in rows],
            "browser": [row.click.ip and row.click.user_agent for row in rows],
            "email": [row.email_sha256 or row.click.email_sha256 for row in rows],
        }
        assert event.count == len(rows) > 9
        assert {key: event.told[key] for key in plain} == {key: sum(map(bool, plain[key])) for key in plain}
        assert event.told.keys() <= plain.keys()


def a_conversion(offer: Offer, luck: random.Random) -> Conversion:
    """One of a click that has some identifiers and lacks others."""
    digest = "c" * 64
    click = make_click(
        offer,
        ttclid=luck.choice(["", "E.C.P.x"]),
        ttp=luck.choice(["", "ttp"]),
        ip=luck.choice([None, "198.51.100.7"]),
        user_agent=luck.choice(["", "Mozilla"]),
        email_sha256=luck.choice(["", digest]),
        robot=luck.choice(["", "", "bot"]),
    )
    return make_conversion(
        click, event_name=luck.choice(["ViewContent", "Purchase"]), email_sha256=luck.choice(["", digest])
    )
