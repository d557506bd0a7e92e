"""A transaction, or a ttclid, that stands for many."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.models import Click
from dispatch.diagnosis.tracing import trace
from dispatch.findings.current import current
from dispatch.findings.finding import Code, Finding
from dispatch.models import Heartbeat
from dispatch.rollups.keeping import roll_up
from offers.models import Offer
from tests.factories import make_click, make_credential, make_network, make_offer, make_postback

pytestmark = pytest.mark.django_db
APPROVED = [{"trigger": "approved", "event_name": "Purchase", "value_source": "payout"}]


@pytest.fixture
def offer() -> Offer:
    offer = make_offer(APPROVED, name="Lamp", network=make_network(name="House"))
    make_credential(offer.pixel, activated_at=timezone.now())
    Heartbeat.objects.start("host", timezone.now())
    return offer


def sell(offer: Offer, clicks: list[Click], txid: str) -> None:
    for click in clicks:
        params = {"click_id": click.pk, "txid": txid, "status": "approved", "payout": "40"}
        make_postback(offer.network, params)
    digest_batch(timezone.now())
    roll_up(timezone.now(), seconds=60)


def found(code: Code) -> list[Finding]:
    return [finding for finding in current(timezone.now()) if finding.code == code]


@pytest.mark.parametrize(("count", "told"), [(4, 1), (3, 0)])
def test_one_transaction_for_many_clicks_is_named_because_sales_are_missing(offer: Offer, count: int, told: int):
    roll_up(timezone.now(), seconds=60)
    clicks = [make_click(offer) for _ in range(count)]

    sell(offer, clicks, "ORDER-1")

    findings = found(Code.POSTBACKS_UNUSABLE)
    assert [(each.tone, each.detail) for each in findings] == [("bad", "one_transaction")] * told
    assert all("“ORDER-1” for 3 other clicks" in each.words for each in findings)
    assert trace(clicks[-1].pk, timezone.now()).first.ruling.cause == "one_transaction"
    assert trace(clicks[0].pk, timezone.now()).first.ruling.cause != "one_transaction"


def test_a_network_that_repeats_itself_loses_nothing(offer: Offer):
    roll_up(timezone.now(), seconds=60)
    click = make_click(offer)

    sell(offer, [click] * 8, "ORDER-1")

    assert not found(Code.POSTBACKS_UNUSABLE)


@pytest.mark.parametrize(("people", "others", "told"), [(10, 10, 1), (9, 0, 0), (10, 11, 0)])
def test_one_ttclid_for_many_visitors_is_named(offer: Offer, people: int, others: int, told: int):
    roll_up(timezone.now(), seconds=60)
    for number in range(people):
        make_click(offer, ttclid="E.C.P.copied", ip=f"198.51.100.{number}")
    for number in range(others):
        make_click(offer, ttclid=f"E.C.P.{number}")
    roll_up(timezone.now(), seconds=60)

    findings = found(Code.IDENTIFIERS_FEW)

    assert [each.title for each in findings] == ["One ttclid for 10 visitors of Lamp"] * told


@pytest.mark.parametrize(
    ("same", "hours"), [({"ip": "198.51.100.7"}, 0), ({"robot": "bot"}, 0), ({"ttclid": ""}, 0), ({}, 4)]
)
def test_one_person_robots_and_what_is_past_are_no_such_visitors(offer: Offer, same: dict[str, Any], hours: int):
    at = timezone.now() - timedelta(hours=hours)
    for number in range(12):
        fields = {"ttclid": "E.C.P.copied", "ip": f"198.51.100.{number}", **same}
        make_click(offer, created_at=at, **fields)

    assert not found(Code.IDENTIFIERS_FEW)
