from collections import Counter

import pytest

from dispatch.health.figures import Figures
from dispatch.health.targets import NBSP, TARGETS


def delayed(seconds: int) -> Figures:
    return Figures(delays=Counter({seconds: 20}))


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("acceptance", [Figures(accepted=count, dead=1000 - count) for count in (990, 989, 949)]),
        ("match", [Figures(both_legs=100, fired=count) for count in (95, 94, 79)]),
        ("duplicates", [Figures(conversions=count, doubles=count < 500) for count in (500, 101, 100)]),
        ("gap", [Figures(expected=100, unreported=count) for count in (2, 3, 4)]),
        ("retries", [Figures(tried=100, retried=count) for count in (1, 2, 10)]),
        ("delay_p95", [delayed(300), delayed(301), delayed(3601)]),
    ],
)
def test_limits_are_those_of_a_launch(name: str, figures: list[Figures]):
    assert [TARGETS[name].tone(each) for each in figures] == ["good", "warn", "bad"]


def test_too_few_cases_and_figures_without_a_target_are_not_judged():
    assert TARGETS["acceptance"].tone(Figures(accepted=4, dead=5)) == "calm"
    assert TARGETS["email"].tone(Figures(accepted=100)) == "calm"


def test_a_share_is_all_or_none_only_when_it_is():
    shown = [TARGETS["acceptance"].shown(share) for share in (None, 0.99996, 1, 0, 0.00001)]

    assert [text.replace(NBSP, " ") for text in shown] == ["–", "99.9 %", "100 %", "0 %", "0.1 %"]


def test_a_span_is_in_words():
    assert TARGETS["delay_p50"].shown(0) == "under a second"
    assert TARGETS["delay_p50"].wanted == "60 seconds at most"
    assert TARGETS["duplicates"].alarming == f"1{NBSP}% or more"
