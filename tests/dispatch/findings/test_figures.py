"""What TikTok hears of an offer, against the targets."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch.findings.current import current, of_offer
from dispatch.findings.finding import Code, Finding
from dispatch.models import Heartbeat
from dispatch.rollups.keeping import roll_up
from offers.models import Offer
from tests.dispatch.findings.slots import heard, purchases, sold, told
from tests.factories import make_click, make_conversion, make_credential, make_offer

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer() -> Offer:
    return working_offer()


def working_offer() -> Offer:
    offer = make_offer(name="Lamp")
    make_credential(offer.pixel, activated_at=timezone.now())
    Heartbeat.objects.start("host", timezone.now())
    return offer


def found() -> dict[str, Finding]:
    return {finding.code: finding for finding in current(timezone.now())}


def test_a_working_site_has_nothing_to_say(offer: Offer):
    told(offer, timezone.now(), accepted=50, tried=50, both_legs=50, fired=49, with_ttclid=50, delays={"4": 50})
    sold(offer, timezone.now(), **purchases(50))
    heard(offer.network, timezone.now(), recorded=50, duplicate=3, ignored=1)

    assert current(timezone.now()) == []


@pytest.mark.parametrize(
    ("code", "tone", "sums"),
    [
        (Code.ACCEPTANCE_LOW, "bad", {"accepted": 40, "dead": 4}),
        (Code.ACCEPTANCE_LOW, "warn", {"accepted": 98, "waiting": 2}),
        (Code.MATCH_LOW, "bad", {"accepted": 10, "both_legs": 10, "fired": 3, "blocked": 7}),
        (Code.MATCH_LOW, "warn", {"accepted": 40, "both_legs": 40, "fired": 36}),
        (Code.RETRIES_HIGH, "warn", {"accepted": 40, "tried": 40, "retried": 3}),
        (Code.DELAY_HIGH, "warn", {"accepted": 20, "delays": {"10": 10, "900": 10}}),
        (Code.CONSENT_LOW, "warn", {"accepted": 4, "suppressed": 6, "reasons": {"consent_denied": 6}}),
        (Code.CONSENT_LOW, "warn", {"held": 1, "reasons": {"consent_unknown": 1}}),
        (Code.IDENTIFIERS_FEW, "warn", {"accepted": 30, "with_ttclid": 5, "with_email": 9}),
    ],
)
def test_finds_what_is_off_target(offer: Offer, code: Code, tone: str, sums: dict[str, Any]):
    told(offer, timezone.now(), hours=5, **{"with_ttclid": sums.get("accepted", 0), **sums})

    [finding] = current(timezone.now())

    assert (finding.code, finding.tone, finding.subject, finding.permission) == (code, tone, "Lamp", FIGURES)
    assert "In the last 24 hours" in finding.words


FIGURES = "dispatch.view_health"


@pytest.mark.parametrize(
    "sums",
    [
        {"accepted": 40, "dead": 1},
        {"accepted": 4, "waiting": 2},  # waiting for a moment only
        {"both_legs": 4, "fired": 0},
        {"tried": 19, "retried": 10},
        {"delays": {"900": 9}},
        {"accepted": 1, "suppressed": 4, "reasons": {"consent_denied": 4}},
        {"accepted": 50, "suppressed": 9, "reasons": {"robot": 9}},
        {"accepted": 19, "with_ttclid": 0},
    ],
)
def test_too_few_cases_are_no_finding(offer: Offer, sums: dict[str, Any]):
    told(offer, timezone.now(), hours=0, **{"with_ttclid": sums.get("accepted", 0), **sums})

    assert found() == {}


def test_a_fault_that_has_just_begun_is_found_though_the_day_was_good(offer: Offer):
    told(offer, timezone.now(), hours=10, accepted=400, both_legs=400, fired=400, with_ttclid=400)
    told(offer, timezone.now(), accepted=6, both_legs=6, blocked=6, with_ttclid=6)

    finding = found()[Code.MATCH_LOW]

    assert (finding.tone, finding.value) == ("bad", "0\xa0%")
    assert finding.words.startswith("In the last 3 hours the Pixel was seen to fire for 0 of 6 events")
    assert "6 were blocked, 0 not heard of. Browsers keep the Pixel back" in finding.words


def test_events_that_carry_nothing_since_some_hours_are_found_though_the_day_was_good(offer: Offer):
    told(offer, timezone.now(), hours=10, accepted=400, with_ttclid=400)
    told(offer, timezone.now(), accepted=46, with_ttclid=8)

    finding = found()[Code.IDENTIFIERS_FEW]

    assert finding.words.startswith("In the last 3 hours 17.4\xa0% of 46 events carried a ttclid")


def test_an_ad_whose_link_keeps_its_macros_is_why_events_carry_nothing(offer: Offer):
    told(offer, timezone.now(), accepted=40, with_ttclid=0)
    make_click(offer, landing_url="https://shop.example/?ttclid=E.C.P.abc")
    for _ in range(3):
        make_click(offer, landing_url="https://shop.example/?ttclid=__CLICKID__&campaign_id=__CAMPAIGN_ID__")

    words = found()[Code.IDENTIFIERS_FEW].words

    assert "3 of the 4 newest clicks came with macros that TikTok did not replace (ttclid=__CLICKID__, camp" in words


def test_a_sale_under_two_event_ids_is_named(offer: Offer):
    rows = [make_conversion(make_click(offer), transaction_id="T1") for _ in range(2)]
    roll_up(timezone.now())

    finding = found()[Code.DUPLICATES_HIGH]

    assert finding.tone == "bad"
    assert f"The event_id: {rows[1].event_id}." in finding.words
    assert "figure=doubles" in finding.link


def test_one_double_of_thousands_is_none(offer: Offer):
    sold(offer, timezone.now(), hours=8, **purchases(4000, doubles=1))

    assert found() == {}


def test_sales_that_the_network_has_not_reported_are_missed_after_a_day(offer: Offer):
    sold(offer, timezone.now(), hours=30, **purchases(0, tracked=50, expected=50, unreported=4))

    finding = found()[Code.GAP_HIGH]

    assert "4 of 50 sales that pages have told of were not reported by the network" in finding.words


def test_inactive_offers_are_not_judged():
    offer = make_offer(is_active=False)
    told(offer, timezone.now(), accepted=10, dead=30)

    assert Code.ACCEPTANCE_LOW not in found()


def test_an_offers_findings_are_its_own_its_networks_its_pixels_and_the_sites(offer: Offer):
    other = make_offer(name="Other")
    heard(offer.network, timezone.now(), no_rule=1)
    heard(other.network, timezone.now(), no_rule=1)
    Heartbeat.objects.all().delete()

    codes = [finding.code for finding in of_offer(offer, current(timezone.now()))]

    assert sorted(codes) == [Code.POSTBACKS_UNUSABLE, Code.WORKERS_STOPPED]


def test_the_number_of_queries_does_not_grow_with_offers():
    def everything_off(count: int) -> int:
        for _ in range(count):
            offer = working_offer()
            told(offer, timezone.now(), accepted=40, dead=9, both_legs=40, tried=40, retried=9, delays={"999": 40})
            sold(offer, timezone.now(), **purchases(20, doubles=5))
            heard(offer.network, timezone.now(), unreplaced_macro=4)
        return queries_of(lambda: current(timezone.now()))

    assert everything_off(3) == everything_off(4)


def queries_of(look: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        look()
    return len(captured)
