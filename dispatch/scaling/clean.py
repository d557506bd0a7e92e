"""Since when nothing has spoken against an offer: worked out from its hours, so that nobody need have watched."""

from datetime import datetime

from dispatch.findings import limits
from dispatch.health.targets import TARGETS
from dispatch.scaling.facts import JOINED_SHARE, SPAN, Facts, Hour, Trait

OFF = 2  # one lost event makes no bad hour


def clean_since(facts: Facts) -> datetime | None:
    """The earliest moment of the last 72 hours from which on all figures together are on target; None without data.

    No hour since may be bad by itself: a fault that has just begun is not thinned out by the good days before it.
    """
    if facts.data_since is None:
        return None
    begins = max(facts.data_since, facts.now - SPAN)
    hours = [hour for hour in facts.hours if hour.ends_at > begins]
    first = first_clean(hours, facts.traits)
    return begins if first == 0 else min(facts.now, hours[first - 1].ends_at)


def first_clean(hours: list[Hour], traits: frozenset[Trait]) -> int:
    """Where the longest clean stretch up to the end begins."""
    total, first = Hour(), len(hours)
    for index in reversed(range(len(hours))):
        if is_bad(hours[index], traits):
            break
        total += hours[index]
        if is_on_target(total, traits):
            first = index
    return first


def is_bad(hour: Hour, traits: frozenset[Trait]) -> bool:
    """Whether the hour stands out by itself."""
    checks = [
        Trait.SERVER in traits and hour.lost >= OFF and tone("acceptance", hour.acceptance) == "bad",
        hour.both_legs - hour.fired >= OFF and tone("match", hour.match) == "bad",
        hour.doubles >= OFF and tone("duplicates", hour.duplicates) == "bad",
        Trait.POSTBACKS in traits and hour.unusable >= OFF and hour.unusable >= limits.MOST * hour.said,
    ]
    return any(checks)


def is_on_target(total: Hour, traits: frozenset[Trait]) -> bool:
    """Whether all that has happened since then is as a launch wants it."""
    checks = [
        Trait.SERVER not in traits or tone("acceptance", total.acceptance) == "good",
        total.both_legs < limits.MATCH.cases or tone("match", total.match) == "good",
        tone("duplicates", total.duplicates) != "bad",
        Trait.POSTBACKS not in traits or total.joining is None or total.joining >= JOINED_SHARE,
    ]
    return all(checks)


def tone(name: str, share: float | None) -> str:
    """What a share is by its target; good where there is nothing to speak of."""
    return "good" if share is None else TARGETS[name].tone_of(share)
