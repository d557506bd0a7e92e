"""Workers, pixels, credentials, networks and what waits for a person; the first page's tests know the rest."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from conversions.outcomes import Outcome
from dispatch.findings.current import current
from dispatch.findings.finding import PERMISSIONS, Code, Finding
from dispatch.findings.queue import START
from dispatch.models import Heartbeat, Lane
from dispatch.reasons import Reason
from dispatch.rollups.keeping import as_of
from offers.models import EventRule, Network, Offer, Pixel
from tests.dispatch.findings.slots import heard, purchases, sold, told
from tests.factories import (
    make_attempt,
    make_click,
    make_conversion,
    make_credential,
    make_delivery,
    make_network,
    make_offer,
)
from tests.staff import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer() -> Offer:
    offer = make_offer(name="Lamp")
    make_credential(offer.pixel, activated_at=timezone.now())
    Heartbeat.objects.start("host", timezone.now())
    return offer


def only() -> Finding:
    [finding] = current(timezone.now())
    return finding


@pytest.mark.parametrize(("ago", "words"), [(None, "never started"), (90, "last sign of life")])
def test_workers_that_are_gone_are_missed(offer: Offer, ago: int | None, words: str):
    Heartbeat.objects.all().delete()
    if ago:
        Heartbeat.objects.start("host", timezone.now() - timedelta(seconds=ago))

    finding = only()

    assert (finding.code, finding.tone) == (Code.WORKERS_STOPPED, "bad")
    assert words in finding.words
    assert START in finding.words


def test_one_living_cluster_is_enough(offer: Offer):
    Heartbeat.objects.start("gone", timezone.now() - timedelta(hours=1))

    assert current(timezone.now()) == []


@pytest.mark.parametrize(("days", "is_due"), [(89, False), (91, True)])
def test_a_credential_is_due_for_rotation_by_its_age(offer: Offer, days: int, is_due: bool):
    offer.pixel.credentials.update(activated_at=timezone.now() - timedelta(days=days))

    findings = current(timezone.now())

    assert [finding.code for finding in findings] == [Code.CREDENTIAL_DUE] * is_due


def test_whoever_may_rotate_is_led_to_the_rotation(offer: Offer):
    offer.pixel.credentials.update(activated_at=timezone.now() - timedelta(days=400))
    rotation = reverse("admin:dispatch_credential_rotate", args=[offer.pixel_id])

    assert only().seen_by(make_staff("dispatch.rotate_credential")).link == rotation
    assert only().seen_by(make_staff("offers.view_pixel")).link != rotation


def test_zero_days_ask_for_no_rotation(offer: Offer, settings: Any):
    settings.CREDENTIAL_ROTATION_DAYS = 0
    offer.pixel.credentials.update(activated_at=timezone.now() - timedelta(days=400))

    assert current(timezone.now()) == []


def test_visitors_whose_conversions_count_as_tests_are_named(offer: Offer):
    Pixel.objects.update(environment="staging", test_event_code="TEST1")
    assert current(timezone.now()) == []

    sold(offer, timezone.now(), clicks=3)

    assert only().title == "Lamp has visitors, and a pixel for tests"
    assert "which had 3 clicks in 24 hours" in only().words


def test_a_queue_that_takes_half_an_hour_is_told_of(offer: Offer):
    Pixel.objects.update(max_events_per_second=1)
    Lane.objects.create(pixel=offer.pixel, next_event=timezone.now().timestamp())
    due_at = timezone.now() - timedelta(minutes=40)
    make_delivery(make_conversion(make_click(offer)), next_attempt_at=due_at)

    assert (only().code, only().tone, only().title) == (Code.DELIVERIES_LATE, "warn", "A pixel has a long queue")


@pytest.mark.parametrize(("first_refused", "codes"), [(6, [Code.TIKTOK_SLOWS]), (4, []), (None, [])])
def test_what_tiktok_turns_away_again_and_again_is_late_though_it_has_just_become_due(
    offer: Offer, first_refused: int | None, codes: list[Code]
):
    now = timezone.now()
    Lane.objects.create(pixel=offer.pixel, rest_until=now + timedelta(seconds=5), pace=1 / 64)
    conversion = make_conversion(make_click(offer), created_at=now - timedelta(minutes=19))
    delivery = make_delivery(conversion, next_attempt_at=now)
    for minutes in [first_refused, 1] if first_refused else []:
        make_attempt(delivery, verdict="throttled", started_at=now - timedelta(minutes=minutes))

    findings = current(now)

    assert [finding.code for finding in findings] == codes
    assert all("recorded up to 19 minutes ago" in finding.words for finding in findings)


@pytest.mark.parametrize(
    ("failures", "verdict", "minutes", "codes"),
    [
        (1, "transient", 6, [Code.TIKTOK_FAILING]),
        (1, "unknown", 6, [Code.TIKTOK_FAILING]),
        (1, "transient", 4, []),
        (0, "transient", 6, []),
        (1, "invalid", 6, []),
    ],
)
def test_a_few_events_that_tiktok_never_takes_are_told_though_the_breaker_forgets_each_failure(
    offer: Offer, failures: int, verdict: str, minutes: int, codes: list[Code]
):
    now = timezone.now()
    Lane.objects.create(pixel=offer.pixel, failures=failures, failed_at=now, last_failure="The connection broke off.")
    conversion = make_conversion(make_click(offer), created_at=now - timedelta(minutes=19))
    delivery = make_delivery(conversion, next_attempt_at=now + timedelta(minutes=10))
    make_attempt(delivery, verdict=verdict, started_at=now - timedelta(minutes=minutes))

    findings = current(now)

    assert [finding.code for finding in findings] == codes
    assert all("recorded up to 19 minutes ago" in finding.words for finding in findings)


@pytest.mark.parametrize(("succeeded", "codes"), [(1, []), (3, [Code.TIKTOK_FAILING])])
def test_what_waits_from_before_tiktok_worked_again_is_no_failure_of_now(
    offer: Offer, succeeded: int, codes: list[Code]
):
    now = timezone.now()
    times = {"failed_at": now - timedelta(minutes=2), "succeeded_at": now - timedelta(minutes=succeeded)}
    Lane.objects.create(pixel=offer.pixel, failures=3, **times)
    delivery = make_delivery(make_conversion(make_click(offer)), next_attempt_at=now + timedelta(minutes=10))
    make_attempt(delivery, verdict="transient", started_at=now - timedelta(minutes=8))

    assert [finding.code for finding in current(now)] == codes


def test_dead_letters_say_how_many_are_new(offer: Offer):
    for _ in range(2):
        dead = make_conversion(make_click(offer))
        make_delivery(dead, status="dead", reason=Reason.INVALID, next_attempt_at=None)
    told(offer, timezone.now(), dead=1, reasons={"invalid": 1})

    assert (only().value, only().detail) == ("2", "invalid")
    assert "1 of them are of the last 24 hours" in only().words


def test_what_tests_leave_behind_is_no_finding(offer: Offer):
    test = make_conversion(make_click(offer, is_test=True), is_test=True)
    make_delivery(test, status="dead", reason=Reason.INVALID, next_attempt_at=None, is_test=True)
    make_delivery(make_conversion(make_click(offer)), status="held", lacks_rate="UGX", is_test=True)

    assert current(timezone.now()) == []


def test_sums_that_nobody_brings_up_to_date_are_told(offer: Offer, monkeypatch: pytest.MonkeyPatch):
    assert as_of() is None
    monkeypatch.setattr("dispatch.findings.queue.as_of", lambda: timezone.now() - timedelta(minutes=12))

    assert (only().code, only().tone) == (Code.SUMS_LATE, "warn")


@pytest.mark.parametrize(
    ("outcomes", "tone"),
    [
        ({"recorded": 80, "unreplaced_macro": 1}, "warn"),
        ({"recorded": 80, "unmatched_click": 3}, "warn"),
        ({"recorded": 2, "unmatched_click": 3}, "bad"),
        ({"unreplaced_macro": 1}, "bad"),
        ({"bad_signature": 2}, "warn"),
        ({"bad_signature": 3}, "bad"),
        ({"recorded": 100, "unmatched_click": 2}, None),
        ({"recorded": 100, "missing_click_id": 2}, None),
        ({"recorded": 80, "missing_click_id": 3}, "warn"),
        ({"recorded": 10, "duplicate": 90, "test": 5, "ignored": 5, "received": 9}, None),
    ],
)
def test_postbacks_that_lead_to_nothing_are_told_by_network(offer: Offer, outcomes: dict[str, int], tone: str | None):
    heard(offer.network, timezone.now(), hours=6, **outcomes)

    findings = current(timezone.now())

    assert [finding.tone for finding in findings] == ([tone] if tone else [])
    assert all(finding.key.startswith(f"postbacks_unusable:network:{offer.network_id}:") for finding in findings)


def test_a_macro_that_is_mistyped_now_is_bad_though_the_day_was_good(offer: Offer):
    heard(offer.network, timezone.now(), hours=10, recorded=200)
    heard(offer.network, timezone.now(), unreplaced_macro=2)

    assert only().tone == "bad"
    assert Outcome.UNREPLACED_MACRO.advice in only().words


def test_two_kinds_of_mistakes_are_no_better_than_one(offer: Offer):
    heard(offer.network, timezone.now(), hours=10, recorded=200)
    heard(offer.network, timezone.now(), recorded=6, unreplaced_macro=6, unmapped_status=6)

    findings = current(timezone.now())

    assert [finding.tone for finding in findings] == ["bad", "bad"]
    assert all("All in all, 12 of 18 in 3 hours led to nothing." in finding.words for finding in findings)


@pytest.mark.parametrize("lately", [{"unreplaced_macro": 1}, {"bad_signature": 30}])
def test_a_single_call_and_what_anybody_can_forge_are_no_fault_of_the_last_hours(offer: Offer, lately: dict[str, int]):
    heard(offer.network, timezone.now(), hours=10, recorded=200)
    heard(offer.network, timezone.now(), **lately)

    assert only().tone == "warn"


@pytest.mark.parametrize(("hours", "codes"), [(2, [Code.POSTBACKS_UNUSABLE]), (4, [])])
def test_calls_with_a_wrong_secret_are_told_for_three_hours(offer: Offer, hours: int, codes: list[Code]):
    Network.objects.filter(pk=offer.network_id).update(turned_away_at=timezone.now() - timedelta(hours=hours))

    assert [finding.code for finding in current(timezone.now())] == codes


@pytest.mark.parametrize(
    ("is_active", "trigger", "count"), [(True, "approved", 1), (False, "approved", 0), (True, "page", 0)]
)
def test_a_network_that_is_switched_off_is_told_while_offers_expect_its_calls(
    offer: Offer, is_active: bool, trigger: str, count: int
):
    EventRule.objects.all().delete()
    EventRule.objects.create(offer=offer, trigger=trigger, event_name="Purchase")
    Network.objects.update(is_active=False, silence_hours=3, heard_at=timezone.now() - timedelta(hours=5))
    Offer.objects.update(is_active=is_active)

    findings = current(timezone.now())

    assert [finding.code for finding in findings] == [Code.NETWORK_SILENT] * count
    assert all("nothing is heard of sales of Lamp" in finding.words for finding in findings)


def test_a_silent_network_is_found(offer: Offer):
    make_network(name="House", silence_hours=3, heard_at=timezone.now() - timedelta(hours=5))
    Network.objects.filter(pk=offer.network_id).update(silence_hours=3, heard_at=timezone.now())

    assert (only().code, only().subject, only().value) == (Code.NETWORK_SILENT, "House", "5 hours")


@pytest.mark.parametrize(("usual", "calls"), [(6, 0), (6, 1), (4, 0)])
def test_one_that_calls_at_this_time_every_day_is_missed_though_nobody_said_so(offer: Offer, usual: int, calls: int):
    for day in range(1, 6):
        heard(offer.network, timezone.now(), hours=24 * day + 3, recorded=usual)
    heard(offer.network, timezone.now(), hours=2, recorded=calls, bad_signature=0)

    codes = [finding.code for finding in current(timezone.now())]

    assert codes == [Code.NETWORK_SILENT] * (usual == 6 and not calls)


@pytest.mark.parametrize(
    ("first", "silent", "every", "is_missed"),
    [
        (67, 8, 1, True),  # two days are known, and it called six times in these hours of both
        (38, 8, 1, True),  # one day is known, in which it called day and night
        (38, 8, 2, False),
        (67, 8, 2, False),
        (28, 8, 1, False),
        (67, 5, 1, False),
        (90, 31, 1, True),  # what it does not do since is not what it usually does
        (160, 100, 1, True),
    ],
)
def test_a_young_network_is_missed_by_the_days_that_it_has_called_on(
    offer: Offer, first: int, silent: int, every: int, is_missed: bool
):
    now = timezone.now().replace(minute=20)
    for hours in range(silent, first + 1, every):
        heard(offer.network, now, hours=hours, recorded=1)

    codes = [finding.code for finding in current(now)]

    assert (Code.NETWORK_SILENT in codes) == is_missed


@pytest.mark.parametrize(
    ("usual", "now", "found"),
    [
        ({"clicks": 100}, {"clicks": 20}, ["clicks"]),
        ({"clicks": 100}, {"clicks": 40}, []),
        ({"clicks": 20}, {"clicks": 0}, []),
        (purchases(10), purchases(1), ["sales"]),
        ({"clicks": 100}, {}, ["clicks"]),
    ],
)
def test_volume_is_compared_with_the_same_hours_of_past_days(
    offer: Offer, usual: dict[str, Any], now: dict[str, Any], found: list[str]
):
    for day in range(1, 6):
        sold(offer, timezone.now(), hours=24 * day + 2, **usual)
    sold(offer, timezone.now(), hours=2, **now)

    assert [finding.detail for finding in current(timezone.now()) if finding.code == Code.VOLUME_DROP] == found


@pytest.mark.parametrize(
    ("days", "count"), [([100, 100], 1), ([100, 100, 0, 0, 100], 1), ([100], 0), ([0, 0, 100, 100], 0), ([0, 100], 0)]
)
def test_an_offer_of_some_days_is_compared_with_those_that_it_has_had(offer: Offer, days: list[int], count: int):
    for day, clicks in enumerate(days, 1):
        sold(offer, timezone.now(), hours=24 * day + 2, clicks=clicks)
    sold(offer, timezone.now(), hours=2, robots=45)

    drops = [finding for finding in current(timezone.now()) if finding.code == Code.VOLUME_DROP]

    assert len(drops) == count
    assert all("there were 0 clicks, but 45 of robots" in drop.words for drop in drops)


@pytest.mark.parametrize(("paid", "sales", "count"), [(300, 10, 1), (450, 10, 0), (30, 1, 0), (500, 10, 1)])
def test_the_value_of_a_sale_is_compared_with_the_days_before(offer: Offer, paid: int, sales: int, count: int):
    sold(offer, timezone.now(), hours=40, **purchases(30, payout=1200))
    sold(offer, timezone.now(), hours=2, **purchases(sales, payout=paid))

    findings = current(timezone.now())

    assert [finding.code for finding in findings] == [Code.VALUE_UNSTABLE] * count


@pytest.mark.parametrize(("paid", "sales", "words"), [(100, 5, "−50"), (4000, 5, "+1,900"), (130, 5, ""), (4, 4, "")])
def test_a_value_that_has_changed_within_hours_is_found_before_the_day_shows_it(
    offer: Offer, paid: int, sales: int, words: str
):
    sold(offer, timezone.now(), hours=40, **purchases(30, payout=1200))
    sold(offer, timezone.now(), hours=10, **purchases(2000, payout=80_000))
    sold(offer, timezone.now(), hours=1, **purchases(sales, payout=paid))

    found = [finding for finding in current(timezone.now()) if finding.code == Code.VALUE_UNSTABLE]

    assert [f"{words}\xa0%" in finding.title for finding in found] == [True] * bool(words)


def test_sales_of_different_amounts_are_no_other_value_by_chance(offer: Offer):
    for ago in range(26, 90):
        sold(offer, timezone.now(), hours=ago, **purchases(2, payout=[20, 40, 200][ago % 3]))
    sold(offer, timezone.now(), hours=1, **purchases(12, payout=12 * 58))
    sold(offer, timezone.now(), hours=2, **purchases(5, payout=5 * 15))

    assert not [finding for finding in current(timezone.now()) if finding.code == Code.VALUE_UNSTABLE]


def test_every_code_is_for_somebody(offer: Offer):
    known = make_staff(*PERMISSIONS)

    assert all(known.has_perm(permission) for permission in PERMISSIONS)
