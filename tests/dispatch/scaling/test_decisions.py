"""Decisions as they are written: on change only, from three days of sums; a Hold where nobody confirms them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch import watching
from dispatch.api.decisions import DecisionAnswer
from dispatch.findings.current import current
from dispatch.models import Heartbeat, ScaleDecision
from dispatch.scaling.deciding import decide_all, decision_of
from offers.models import Offer, Pixel
from tests.dispatch.findings.slots import heard, purchases, sold, told
from tests.factories import make_credential, make_offer

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def working_offer(now: datetime, hours: int = 80, **fields: Any) -> Offer:
    """An offer that everything has gone well with for so many hours."""
    offer = make_offer(**fields)
    make_credential(offer.pixel, activated_at=now)
    Heartbeat.objects.start("host", now + 10 * MINUTE)  # they go on living
    for ago in range(0, hours, 4):
        told(offer, now, hours=ago, accepted=4, tried=4, both_legs=4, fired=4, with_ttclid=4)
        sold(offer, now, hours=ago, **purchases(4, payout=160))
        heard(offer.network, now, hours=ago, recorded=4)
    return offer


def decide(now: datetime) -> int:
    return decide_all(now, current(now))


def verdict(offer: Offer, now: datetime) -> str:
    return decision_of([offer.pk], now)[offer.pk].verdict


def codes(offer: Offer) -> set[str]:
    reasons = ScaleDecision.objects.filter(offer=offer).latest("pk").reasons
    return {reason["code"] for reason in reasons if reason["speaks"] != "raise"}


def test_three_clean_days_are_a_raise_at_once_however_short_we_have_watched(now: datetime):
    offer = working_offer(now)

    decide(now)

    assert verdict(offer, now) == "raise"
    assert ScaleDecision.objects.get().clean_since == now - timedelta(hours=72)


def test_a_fault_holds_at_the_next_look_and_its_end_is_a_raise_again(now: datetime):
    offer = working_offer(now)
    decide(now)

    offer.pixel.pause(Pixel.PausedBy.AUTH, "Access token is incorrect.", now)
    decide(now + MINUTE)
    assert (verdict(offer, now), codes(offer)) == ("hold", {"credential_refused"})

    offer.pixel.resume(now)
    decide(now + 2 * MINUTE)
    assert [row.verdict for row in ScaleDecision.objects.order_by("pk")] == ["raise", "hold", "raise"]


def test_a_figure_that_hovers_at_a_limit_ends_in_the_worse_decision_until_it_has_calmed_down(now: datetime):
    offer = working_offer(now)
    Heartbeat.objects.update(beat_at=now + 61 * MINUTE)
    Offer.objects.update(created_at=now + 61 * MINUTE)
    for minute in range(8):
        Pixel.objects.update(paused_by="staff" if minute % 2 else "", paused_at=now)
        decide(now + minute * MINUTE)

    assert [row.verdict for row in ScaleDecision.objects.order_by("pk")] == ["raise", "hold", "raise", "hold"]
    assert ScaleDecision.objects.latest("pk").looked_at == now + 7 * MINUTE
    Pixel.objects.update(paused_by="")
    decide(now + 59 * MINUTE)
    assert codes(offer) == {"restless", "pixel_paused"}
    decide(now + 61 * MINUTE)
    assert (verdict(offer, now + 61 * MINUTE), codes(offer)) == ("raise", set())


def test_a_decision_that_stands_is_confirmed_and_its_figures_kept_fresh(now: datetime):
    offer = working_offer(now, hours=10)
    assert decide(now) == 1
    told(offer, now, hours=3, accepted=5, with_ttclid=5)

    assert decide(now + MINUTE) == 0

    decision = ScaleDecision.objects.get()
    assert (decision.decided_at, decision.looked_at) == (now, now + MINUTE)
    assert "17 events" in decision.reasons[0]["words"]


def test_a_new_reason_is_a_new_decision(now: datetime):
    offer = working_offer(now)
    Pixel.objects.update(paused_by="staff", paused_at=now)
    decide(now)
    heard(offer.network, now, hours=0.1, unreplaced_macro=20)

    assert decide(now + MINUTE) == 1
    assert codes(offer) == {"pixel_paused", "postbacks_unusable", "not_yet_clean"}


def test_an_offer_that_is_switched_off_gets_one_last_decision(now: datetime):
    offer = working_offer(now)
    make_offer(is_active=False)
    decide(now)
    Offer.objects.update(is_active=False)

    assert decide(now + MINUTE) == 1
    assert decide(now + 2 * MINUTE) == 0
    assert "offer_inactive" in codes(offer)
    assert verdict(offer, now + timedelta(days=3)) == "hold"


def test_what_nobody_confirms_is_a_hold(now: datetime):
    offer = working_offer(now)
    decide(now)

    later = decision_of([offer.pk], now + 6 * MINUTE)[offer.pk]

    assert (later.verdict, later.reasons[0]["code"], later.decided_at) == ("hold", "unconfirmed", now)
    assert "The last decision was Raise" in later.reasons[0]["words"]
    assert ScaleDecision.objects.get().verdict == "raise"


def test_rules_of_legs_that_are_not_used_do_not_count(now: datetime):
    offer = working_offer(now, tracking_mode="pixel")
    offer.pixel.pause(Pixel.PausedBy.STAFF, "", now)

    decide(now)

    assert verdict(offer, now) == "raise"


def test_the_api_tells_everything_of_a_decision(now: datetime):
    offer = working_offer(now)
    decide(now)

    told_so = DecisionAnswer(decision_of([offer.pk], now)[offer.pk]).data

    assert (told_so["offer"], told_so["name"], told_so["verdict"]) == (offer.slug, offer.name, "raise")
    assert set(told_so["reasons"][0]) == {"code", "title", "words", "speaks", "value", "target", "link"}


def test_the_number_of_queries_does_not_grow_with_offers(now: datetime):
    working_offer(now)
    findings = current(now)
    decide_all(now, findings)
    for_one = queries_of(lambda: decide_all(now + MINUTE, findings))
    for _ in range(4):
        working_offer(now)
    decide_all(now + 2 * MINUTE, findings)

    assert queries_of(lambda: decide_all(now + 3 * MINUTE, findings)) == for_one
    assert queries_of(lambda: decision_of(Offer.objects.values_list("pk", flat=True))) == 2


def queries_of(look: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        look()
    return len(captured)


def test_a_round_goes_on_where_one_part_of_it_fails(
    now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*given: Any) -> int:
        raise ValueError("a fault of ours")

    heard_of: list[Any] = []
    monkeypatch.setattr(watching, "decide_all", broken)
    monkeypatch.setattr(watching, "tell", lambda findings, now: heard_of.append(findings) or 0)

    assert watching.look(now) == 1  # no workers
    assert len(heard_of) == 1
    assert "Decisions on spend failed in this round." in caplog.text
