"""What speaks for and against more spend: one table of findings, one of rules about figures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from conversions.outcomes import Outcome
from dispatch.findings.finding import Code, Finding, Scope
from dispatch.findings.networks import WRONG_SECRET, WRONG_SECRET_LABEL
from dispatch.findings.one_for_all import ONE_TRANSACTION, ONE_TRANSACTION_LABEL
from dispatch.health.targets import TARGETS, percent
from dispatch.reasons import Reason as DeliveryReason
from dispatch.scaling.clean import clean_since
from dispatch.scaling.facts import (
    CLEAN_FOR_FEW,
    CLEAN_FOR_MANY,
    DATA_FOR,
    DEAD_SHARE,
    ENOUGH,
    JOINED_SHARE,
    MANY,
    SPAN,
    Facts,
    Hour,
    Trait,
)
from dispatch.scaling.reason import Own, Reason, Verdict, own
from dispatch.wording import at, in_words

HOLD, WATCH, RAISE = Verdict.HOLD, Verdict.WATCH, Verdict.RAISE
HOURS = in_words(SPAN)
KINDS = {
    **dict(Outcome.choices), WRONG_SECRET: WRONG_SECRET_LABEL, ONE_TRANSACTION: ONE_TRANSACTION_LABEL,
}  # fmt: skip
"""What kind of postbacks a finding is about, by its detail."""
LOST = {
    DeliveryReason.TOO_OLD: "too old",
    DeliveryReason.NO_MATCH_KEY: "with nothing to match a person by",
    DeliveryReason.CONTRACT: "against TikTok's contract",
}


@dataclass(frozen=True)
class Weight:
    """What a finding asks for while it is bad, and while it is a warning; of offers with the trait, if it has one."""

    bad: Verdict
    warn: Verdict
    trait: Trait | None = None


WEIGHTS = {
    Code.CREDENTIAL_REFUSED: Weight(HOLD, HOLD, Trait.SERVER),
    Code.NO_CREDENTIAL: Weight(HOLD, HOLD, Trait.SERVER),
    Code.CREDENTIAL_DUE: Weight(WATCH, WATCH, Trait.SERVER),
    Code.CREDENTIAL_TAKEN_OVER: Weight(WATCH, WATCH, Trait.SERVER),
    Code.PIXEL_PAUSED: Weight(HOLD, HOLD, Trait.SERVER),
    Code.TIKTOK_FAILING: Weight(HOLD, HOLD, Trait.SERVER),
    Code.TIKTOK_SLOWS: Weight(WATCH, WATCH, Trait.SERVER),
    Code.TEST_PIXEL: Weight(HOLD, HOLD),
    Code.WORKERS_STOPPED: Weight(HOLD, HOLD),
    Code.DELIVERIES_LATE: Weight(HOLD, WATCH, Trait.SERVER),
    Code.DIGEST_LATE: Weight(HOLD, HOLD),
    Code.SUMS_LATE: Weight(WATCH, WATCH),
    Code.ACCEPTANCE_LOW: Weight(HOLD, WATCH, Trait.SERVER),
    Code.RETRIES_HIGH: Weight(WATCH, WATCH, Trait.SERVER),
    Code.DELAY_HIGH: Weight(WATCH, WATCH, Trait.SERVER),
    Code.MATCH_LOW: Weight(HOLD, WATCH),
    Code.DUPLICATES_HIGH: Weight(HOLD, WATCH),
    Code.IDENTIFIERS_FEW: Weight(WATCH, WATCH, Trait.SERVER),
    Code.CONSENT_LOW: Weight(WATCH, WATCH),
    Code.NETWORK_SILENT: Weight(HOLD, HOLD, Trait.POSTBACKS),
    Code.POSTBACKS_UNUSABLE: Weight(HOLD, WATCH, Trait.POSTBACKS),
    Code.GAP_HIGH: Weight(WATCH, WATCH, Trait.POSTBACKS),
    Code.VOLUME_DROP: Weight(WATCH, WATCH),
    Code.VALUE_UNSTABLE: Weight(WATCH, WATCH),
    Code.SALES_TAKEN_BACK: Weight(HOLD, WATCH),
}
"""Dead letters and missing rates count by the offer's own rules below; strange pages count for nothing, as what they
report is refused."""


def of_findings(facts: Facts) -> Iterator[Reason]:
    """A reason against for each finding that concerns the offer as it is used."""
    for finding in facts.findings:
        weight = WEIGHTS.get(finding.code)
        if weight and (weight.trait is None or weight.trait in facts.traits or is_of_missing_rule(finding)):
            yield of_finding(finding, weight)


def of_finding(finding: Finding, weight: Weight) -> Reason:
    speaks = weight.bad if finding.tone == "bad" else weight.warn
    name = "" if finding.scope in (Scope.OFFER, Scope.SITE) else f" ({finding.subject})"
    which = f": {KINDS[finding.detail]}" if finding.detail in KINDS else ""
    return Reason(
        code=finding.code.value,
        title=f"{finding.code.label}{which}{name}",
        words=finding.words,
        speaks=speaks.value,
        value=finding.value,
        target=finding.target,
        link=finding.link,
    )


def is_of_missing_rule(finding: Finding) -> bool:
    """Whoever deletes the rule that a network's word is told by does not stop expecting it to be told."""
    return finding.detail == Outcome.NO_RULE


def inactive(facts: Facts) -> Reason | None:
    if facts.is_active:
        return None
    return own(Own.OFFER_INACTIVE, HOLD, "Links of an inactive offer lead nowhere, so spend on it is lost.")


def without_rules(facts: Facts) -> Reason | None:
    if facts.has_rules:
        return None
    return own(Own.NO_RULES, HOLD, "TikTok is told nothing whatever happens. Add an event rule on the offer's page.")


def full(facts: Facts) -> Reason | None:
    if not facts.is_full:
        return None
    words = "Visitors are sent on to the fallback offer, or sales come that may not be paid. Raise the cap first."
    return own(Own.CAP_REACHED, WATCH, words, link=facts.page)


def lost(facts: Facts) -> Reason | None:
    """What is not sent in the first place is in no acceptance rate; what people have said no to is not lost."""
    count = sum(facts.sums.reasons[reason] for reason in LOST)
    share = count / (facts.sums.due + count) if count else 0.0
    if Trait.SERVER not in facts.traits or share <= DEAD_SHARE:
        return None
    parts = [(facts.sums.reasons[reason], why) for reason, why in LOST.items()]
    each = ", ".join(f"{part:,} {why}" for part, why in parts if part)
    words = f"Of the events of the last {HOURS}, TikTok can't be told of {count:,}: {each}."
    return own(Own.LOST_SHARE, WATCH, words, percent(share), f"at most {percent(DEAD_SHARE)}", facts.page)


def dead(facts: Facts) -> Reason | None:
    share = facts.sums.dead / facts.sums.due if facts.sums.due else 0.0
    if Trait.SERVER not in facts.traits or share <= DEAD_SHARE:
        return None
    words = (
        f"{facts.sums.dead:,} of {facts.sums.due:,} events of the last {HOURS} are dead letters that nobody has "
        "decided on. Review them: send them again once what was wrong is mended, or give them up."
    )
    return own(Own.DEAD_SHARE, HOLD, words, percent(share), f"at most {percent(DEAD_SHARE)}", facts.page)


def held_for_rate(facts: Facts) -> Reason | None:
    held = facts.sums.reasons[DeliveryReason.NO_RATE]
    if not held:
        return None
    words = f"{held:,} event{' is' if held == 1 else 's are'} held. {DeliveryReason.NO_RATE.advice}"
    return own(Own.HELD_FOR_RATE, HOLD, words, f"{held:,}", "none", facts.page)


def few(facts: Facts) -> Reason | None:
    if facts.cases >= ENOUGH:
        return None
    what = "accepted by TikTok" if Trait.SERVER in facts.traits else "recorded"
    words = f"{facts.cases:,} event{'' if facts.cases == 1 else 's'} of the last {HOURS} {was(facts.cases)} {what}."
    return own(Own.FEW_EVENTS, WATCH, words, f"{facts.cases:,}", f"{ENOUGH} or more", facts.page)


def was(count: int) -> str:
    return "was" if count == 1 else "were"


def short(facts: Facts) -> Reason | None:
    """Whoever has few events is told of that; data that has only begun says little however much it is."""
    if facts.data_since is None or facts.now - facts.data_since >= DATA_FOR:
        return None
    words = f"The first conversion of these days was recorded in the half-hour from {at(facts.data_since, facts.now)}."
    known = in_words(facts.now - facts.data_since)
    return own(Own.SHORT_DATA, WATCH, words, known, f"{in_words(DATA_FOR)} or more", facts.page)


def clean(facts: Facts) -> Reason | None:
    """For more spend once it has been clean for as long as it takes, against it until then."""
    since, needed = clean_since(facts), needed_for(facts)
    if since is None:
        return None
    span = facts.now - since
    stands = f"have been on target since {at(since, facts.now)}" if span else "are not all on target at this moment"
    on_target = f"Acceptance, match, deduplication and postbacks {stands}"
    if span >= needed:
        return own(Own.CLEAN, RAISE, f"{on_target}.", in_words(span), in_words(needed), facts.page)
    because = "" if needed == CLEAN_FOR_MANY else " where there are so few events"
    words = f"{on_target}; more spend needs {in_words(needed)} on target{because}."
    return own(Own.NOT_YET_CLEAN, WATCH, words, in_words(span), in_words(needed), facts.page)


def needed_for(facts: Facts) -> timedelta:
    """For how long it must be clean: few events need longer to say the same."""
    return CLEAN_FOR_MANY if facts.cases >= MANY else CLEAN_FOR_FEW


def accepted(facts: Facts) -> Reason | None:
    return of_target(facts, "acceptance", Own.ACCEPTED) if Trait.SERVER in facts.traits else None


def matched(facts: Facts) -> Reason | None:
    return of_target(facts, "match", Own.MATCHED)


def counted_once(facts: Facts) -> Reason | None:
    return of_target(facts, "duplicates", Own.COUNTED_ONCE)


def of_target(facts: Facts, name: str, code: Own) -> Reason | None:
    """A figure that is on target over the whole time speaks for more spend."""
    target = TARGETS[name]
    value = target.read(facts.sums)
    if value is None or target.tone_of(value) != "good":
        return None
    words = f"{target.label} of the last {HOURS}: {target.shown(value)} of {target.cases(facts.sums):,}."
    return own(code, RAISE, words, target.shown(value), target.wanted, facts.page)


def joined(facts: Facts) -> Reason | None:
    total = sum(facts.hours, Hour())
    if Trait.POSTBACKS not in facts.traits or total.joining is None or total.joining < JOINED_SHARE:
        return None
    words = f"{total.joined:,} of {total.said:,} postbacks of the last {HOURS} found their click and were understood."
    return own(Own.JOINED, RAISE, words, percent(total.joining), f"{percent(JOINED_SHARE)} or more", facts.page)


UNSTABLE = {Code.VALUE_UNSTABLE, Code.SALES_TAKEN_BACK}


def stable(facts: Facts) -> Reason | None:
    if facts.cases < ENOUGH or any(finding.code in UNSTABLE for finding in facts.findings):
        return None
    words = "The average payout of a sale is what it was in the days before, as far as there were enough sales to tell."
    return own(Own.STABLE, RAISE, words, link=facts.page)


RULES: list[Callable[[Facts], Reason | None]] = [
    inactive, without_rules, full, lost, dead, held_for_rate, few, short, clean,
    accepted, matched, counted_once, joined, stable,
]  # fmt: skip
