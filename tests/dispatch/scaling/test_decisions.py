"""Decisions as they are written: on change only, from three days of sums; a Hold where nobody confirms them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch import watching
from dispatch.api.decisions import DecisionAnswer
from dispatch.findings.current import current
from dispatch.models import Credential, Heartbeat, Lane, ScaleDecision
from dispatch.scaling.deciding import decide_all, decision_of
from dispatch.wording import at
from offers.models import Network, Offer, Pixel
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


def test_an_offer_that_goes_back_and_forth_gets_worse_at_once_and_waits_at_watch_for_a_raise(now: datetime):
    offer = lasting_offer(now)
    for minute in range(9):
        Pixel.objects.update(paused_by="staff" if minute % 2 else "", paused_at=now)
        decide(now + minute * MINUTE)

    assert verdicts() == ["raise", "hold", "raise", "hold", "raise", "hold", "watch", "hold", "watch"]
    assert codes(offer) == {"restless"}
    words = decision_of([offer.pk], now + 8 * MINUTE)[offer.pk].reasons[0]["words"]
    assert "Nothing speaks against it any more at this moment." in words
    until = at(now + 23 * MINUTE, now + 8 * MINUTE)
    assert f"changed 8 times within the last hour, so it is kept at Watch until {until}" in words

    assert decide(now + 22 * MINUTE) == 0
    assert decide(now + 23 * MINUTE) == 1
    assert (verdict(offer, now + 23 * MINUTE), codes(offer)) == ("raise", set())


def lasting_offer(now: datetime) -> Offer:
    """One that everything goes on going well with for two hours, as far as nobody spoils it."""
    offer = working_offer(now)
    Heartbeat.objects.update(beat_at=now + 120 * MINUTE)
    Offer.objects.update(created_at=now + 120 * MINUTE)
    return offer


def verdicts() -> list[str]:
    return list(ScaleDecision.objects.order_by("pk").values_list("verdict", flat=True))


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAULTS: list[tuple[type[Model], dict[str, Any], str, str]] = [
    (Pixel, {"paused_by": "staff"}, "pixel_paused", "hold"),
    (Heartbeat, {"beat_at": LONG_AGO}, "workers_stopped", "hold"),
    (Network, {"turned_away_at": timezone.now}, "postbacks_unusable", "watch"),
    (Pixel, {"paused_by": "auth"}, "credential_refused", "hold"),
    (Credential, {"state": "revoked"}, "no_credential", "hold"),
    (Network, {"silence_hours": 1, "heard_at": LONG_AGO}, "network_silent", "hold"),
    (Offer, {"daily_cap": 0}, "cap_reached", "watch"),
    (Lane, {"trips": 1, "tripped_at": LONG_AGO}, "tiktok_failing", "hold"),
    (Credential, {"activated_at": LONG_AGO}, "credential_due", "watch"),
    (Offer, {"is_active": False}, "offer_inactive", "hold"),
]


def test_ten_faults_of_an_hour_are_each_named_at_the_next_look_and_gone_at_the_one_after(now: datetime):
    offer = lasting_offer(now)
    Lane.objects.create(pixel=offer.pixel)
    decide(now)

    for number, (table, fault, code, expected) in enumerate(FAULTS):
        injected, mended = now + (6 * number + 1) * MINUTE, now + (6 * number + 4) * MINUTE
        with spoilt(table, fault):
            decide(injected)
            assert (verdict(offer, injected), codes(offer)) == (expected, {code})
        decide(mended)
        assert (verdict(offer, mended), codes(offer)) in [("raise", set()), ("watch", {"restless"})]

    decide(mended + 15 * MINUTE)
    assert (verdict(offer, mended + 15 * MINUTE), len(verdicts())) == ("raise", 1 + 2 * len(FAULTS) + 1)


@contextmanager
def spoilt(table: type[Model], fault: dict[str, Any]) -> Iterator[None]:
    """The only row of the table, with these fields changed for as long as it lasts."""
    rows = table._default_manager
    before = rows.values(*fault).get()
    rows.update(**{name: value() if callable(value) else value for name, value in fault.items()})
    yield
    rows.update(**before)


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
    for_one = queries_of(lambda: decide_all(now, findings))
    for _ in range(4):
        working_offer(now)
    decide_all(now, findings)

    assert queries_of(lambda: decide_all(now, findings)) == for_one  # at one moment, as midnight adds a query
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
