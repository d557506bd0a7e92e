"""The decision as a pure function of plain facts."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatch.findings.finding import Code, Finding, Scope
from dispatch.health.figures import Figures
from dispatch.scaling.clean import clean_since
from dispatch.scaling.deciding import decide
from dispatch.scaling.facts import Facts, Hour, Trait
from dispatch.scaling.reason import Own
from dispatch.scaling.rules import WEIGHTS

NOW = datetime(2026, 6, 10, 12, 20, tzinfo=UTC)
GOOD = {"accepted": 3, "both_legs": 3, "fired": 3, "conversions": 3, "joined": 2}


def hour(ago: int, **counts: int) -> Hour:
    starts_at = NOW.replace(minute=0) - timedelta(hours=ago)
    return Hour(starts_at, **{**GOOD, **counts})


def facts(hours: int = 96, changed: dict[int, dict[str, int]] | None = None, **more: Any) -> Facts:
    """An offer with so many good hours behind it, but for those that are `changed`."""
    rows = [hour(ago, **(changed or {}).get(ago, {})) for ago in range(min(hours, 73), -1, -1)]
    sums = Figures(accepted=3 * len(rows), both_legs=3 * len(rows), fired=3 * len(rows), conversions=3 * len(rows))
    known = {"hours": rows, "sums": sums, "data_since": NOW - timedelta(hours=hours), **more}
    return Facts(NOW, **known)


def finding(code: Code, tone: str = "bad") -> Finding:
    return Finding(code, Scope.OFFER, 1, "Lamp", tone, "A title", "Some words.", "/admin/", "Look")


def codes(given: Facts) -> list[str]:
    """Of what speaks against."""
    return [reason.code for reason in decide(given).reasons if reason.is_against]


def test_three_clean_days_speak_for_more_spend_and_say_so():
    decided = decide(facts())

    assert decided.verdict == "raise"
    assert {reason.code for reason in decided.reasons} == {
        Own.CLEAN, Own.ACCEPTED, Own.MATCHED, Own.COUNTED_ONCE, Own.JOINED, Own.STABLE,
    }  # fmt: skip
    assert decided.clean_since == NOW - timedelta(hours=72)


@pytest.mark.parametrize("code", WEIGHTS)
@pytest.mark.parametrize("tone", ["bad", "warn"])
def test_every_finding_speaks_against_it_as_the_table_says(code: Code, tone: str):
    decided = decide(facts(findings=[finding(code, tone)]))

    assert decided.verdict == (WEIGHTS[code].bad if tone == "bad" else WEIGHTS[code].warn)
    assert decided.reasons[0].code == code


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (Code.CREDENTIAL_REFUSED, "hold"),
        (Code.DUPLICATES_HIGH, "hold"),
        (Code.WORKERS_STOPPED, "hold"),
        (Code.MATCH_LOW, "hold"),
        (Code.NETWORK_SILENT, "hold"),
        (Code.POSTBACKS_UNUSABLE, "hold"),
        (Code.CONSENT_LOW, "watch"),
        (Code.VALUE_UNSTABLE, "watch"),
        (Code.SALES_TAKEN_BACK, "hold"),
        (Code.CREDENTIAL_DUE, "watch"),
        (Code.DEAD_LETTERS, "raise"),
        (Code.STRANGE_PAGES, "raise"),
    ],
)
def test_what_stops_money_holds_and_what_may_come_to_it_is_watched(code: Code, verdict: str):
    assert decide(facts(findings=[finding(code)])).verdict == verdict


def test_an_offer_without_event_rules_holds_however_good_its_past_was():
    assert decide(facts(has_rules=False, traits=frozenset())).verdict == "hold"


def test_an_offer_that_is_full_is_watched():
    assert (decide(facts(is_full=True)).verdict, codes(facts(is_full=True))) == ("watch", [Own.CAP_REACHED])


@pytest.mark.parametrize(("count", "verdict"), [(2, "raise"), (3, "watch")])
def test_what_cannot_be_told_at_all_counts_against_it(count: int, verdict: str):
    sums = Figures(accepted=200, reasons=Counter({"too_old": count, "consent_denied": 50}))

    assert decide(facts(sums=sums)).verdict == verdict


def test_a_missing_rule_counts_though_nothing_else_asks_for_postbacks():
    missing = replace(finding(Code.POSTBACKS_UNUSABLE), detail="no_rule")

    assert decide(facts(findings=[missing], traits=frozenset({Trait.SERVER}))).verdict == "hold"


@pytest.mark.parametrize(
    ("detail", "kind"), [("unreplaced_macro", "Macro not replaced"), ("wrong_secret", "Calls with a wrong secret")]
)
def test_a_reason_names_what_kind_of_postbacks_it_is_about(detail: str, kind: str):
    odd = replace(finding(Code.POSTBACKS_UNUSABLE), detail=detail)

    assert kind in decide(facts(findings=[odd])).reasons[0].title


def test_what_is_off_target_now_is_not_said_to_have_been_on_target_since_a_moment_ago():
    decided = decide(facts(changed={0: {"accepted": 0, "lost": 5}}))

    [clean] = [reason for reason in decided.reasons if reason.code == Own.NOT_YET_CLEAN]
    assert "are not all on target at this moment; more spend needs" in clean.words


def test_the_gravest_reason_decides_and_comes_first():
    decided = decide(facts(findings=[finding(Code.VOLUME_DROP), finding(Code.TEST_PIXEL)]))

    assert (decided.verdict, decided.clean_since) == ("hold", None)
    assert [reason.code for reason in decided.reasons[:2]] == [Code.TEST_PIXEL, Code.VOLUME_DROP]


@pytest.mark.parametrize("code", [Code.VALUE_UNSTABLE, Code.SALES_TAKEN_BACK])
@pytest.mark.parametrize("tone", ["bad", "warn"])
def test_a_sale_is_not_said_to_be_worth_what_it_was_while_that_is_in_doubt(code: Code, tone: str):
    decided = decide(facts(findings=[finding(code, tone)]))

    assert Own.STABLE not in {reason.code for reason in decided.reasons}


@pytest.mark.parametrize(
    ("traits", "code"),
    [
        ({Trait.POSTBACKS}, Code.CREDENTIAL_REFUSED),
        ({Trait.POSTBACKS}, Code.ACCEPTANCE_LOW),
        ({Trait.SERVER}, Code.NETWORK_SILENT),
        ({Trait.SERVER}, Code.GAP_HIGH),
    ],
)
def test_what_an_offer_does_not_use_counts_not_against_it(traits: set[Trait], code: Code):
    assert decide(facts(findings=[finding(code)], traits=frozenset(traits))).verdict == "raise"


def test_an_offer_of_the_pixel_alone_is_judged_by_what_happened():
    pixel_only = frozenset({Trait.POSTBACKS})
    hours = [replace(each, accepted=0, lost=0) for each in facts().hours]

    decided = decide(facts(hours=96, traits=pixel_only, sums=Figures(conversions=60)))

    assert decided.verdict == "raise"
    assert Own.ACCEPTED not in {reason.code for reason in decided.reasons}
    assert clean_since(facts(traits=pixel_only) and replace(facts(traits=pixel_only), hours=hours))


@pytest.mark.parametrize(
    ("changes", "code", "verdict"),
    [
        ({"is_active": False}, Own.OFFER_INACTIVE, "hold"),
        ({"sums": Figures(accepted=97, dead=3)}, Own.DEAD_SHARE, "hold"),
        ({"sums": Figures(accepted=97, reasons=Counter(no_rate=1))}, Own.HELD_FOR_RATE, "hold"),
        ({"sums": Figures(accepted=19)}, Own.FEW_EVENTS, "watch"),
        ({"sums": Figures(), "hours": [], "data_since": None}, Own.FEW_EVENTS, "watch"),
    ],
)
def test_the_offers_own_figures_speak_against_it(changes: dict[str, Any], code: Own, verdict: str):
    decided = decide(replace(facts(), **changes))

    assert decided.verdict == verdict
    assert codes(replace(facts(), **changes))[0] == code


@pytest.mark.parametrize(
    ("hours", "accepted", "expected"),
    [
        (47, 200, [Own.SHORT_DATA, Own.NOT_YET_CLEAN]),
        (49, 200, []),
        (49, 49, [Own.NOT_YET_CLEAN]),
        (71, 49, [Own.NOT_YET_CLEAN]),
        (73, 49, []),
    ],
)
def test_two_days_are_enough_for_many_events_and_three_for_few(hours: int, accepted: int, expected: list[str]):
    given = facts(hours=hours, sums=Figures(accepted=accepted))

    assert codes(given) == expected


@pytest.mark.parametrize(
    "fault",
    [
        {"accepted": 1, "lost": 2},
        {"fired": 0},
        {"doubles": 2},
        {"joined": 0, "unusable": 4},
    ],
)
@pytest.mark.parametrize(("ago", "is_over"), [(60, True), (49, True), (40, False), (1, False)])
def test_a_bad_hour_must_be_two_days_ago(fault: dict[str, int], ago: int, is_over: bool):
    given = facts(changed={ago: fault})

    assert codes(given) == ([] if is_over else [Own.NOT_YET_CLEAN])
    assert clean_since(given) == NOW.replace(minute=0) - timedelta(hours=ago - 1)


def test_single_losses_that_add_up_make_a_time_unclean():
    spread = {ago: {"accepted": 2, "lost": 1} for ago in range(30, 60, 3)}

    since = clean_since(facts(changed=spread))

    assert since == NOW.replace(minute=0) - timedelta(hours=29)


def test_one_loss_among_hundreds_does_not():
    assert clean_since(facts(changed={20: {"lost": 1}})) == NOW - timedelta(hours=72)


def test_a_bad_hour_that_goes_on_leaves_nothing_clean():
    assert clean_since(facts(changed={0: {"accepted": 0, "lost": 5}})) == NOW


def test_what_is_clean_says_nothing_of_what_is_wrong_beside_it():
    decided = decide(facts(findings=[finding(Code.WORKERS_STOPPED)]))

    [clean] = [reason for reason in decided.reasons if reason.code == Own.CLEAN]

    assert decided.verdict == "hold"
    assert clean.words.startswith("Acceptance, match, deduplication and postbacks have been on target since ")


def test_what_cannot_be_told_is_counted_in_whole_words():
    sums = Figures(accepted=97, reasons=Counter(too_old=3))

    [lost] = [reason for reason in decide(facts(sums=sums)).reasons if reason.code == Own.LOST_SHARE]

    assert lost.words == "Of the events of the last 3 days, TikTok can't be told of 3: 3 too old."
