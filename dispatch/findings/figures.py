"""What TikTok hears of each active offer, against the targets of a launch: of a day, and of the last hours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from dispatch.findings import examples, limits
from dispatch.findings.finding import Code, Finding, Scope
from dispatch.findings.limits import DAY, LATELY, Least
from dispatch.findings.sight import Sight, found, health_page
from dispatch.health.figures import Figures
from dispatch.health.rows import PARTS
from dispatch.health.targets import TARGETS, percent
from dispatch.reasons import Reason
from dispatch.rollups.slots import slot_of
from dispatch.wording import in_words
from offers.models import Offer

IN_A_DAY, IN_HOURS = "In the last 24 hours", f"In the last {in_words(LATELY)}"
UNTOLD = (Reason.CONSENT_DENIED, Reason.CONSENT_UNKNOWN)
OFFERS_WITH_EXAMPLES = 3
BLOCKED = (
    "Browsers keep the Pixel back: look at the page's Content-Security-Policy and at what else blocks scripts. The "
    "Events API tells these alone."
)
UNHEARD = "Browsers do not say what became of the Pixel: look at the pages that call the event."


@dataclass(frozen=True)
class Check:
    """One figure with a target: how many of its cases are off, in words, and where its rows are."""

    code: Code
    target: str
    least: Least
    off: Callable[[Figures], int]
    title: str
    words: Callable[[Figures], str]
    part: str


def off_target(sight: Sight) -> Iterator[Finding]:
    """At most one finding of each figure and offer: of the day, or where that is well, of the last hours."""
    both = [of_both(check, offer, sight) for offer in sight.offers.values() for check in CHECKS]
    return with_examples([each for each in both if each], sight)


def of_both(check: Check, offer: Offer, sight: Sight) -> Finding | None:
    today = of_window(check, offer, sight.day.get(offer.pk), IN_A_DAY, sight.now - DAY, sight.now)
    now = of_window(check, offer, sight.lately.get(offer.pk), IN_HOURS, sight.now - LATELY, sight.now)
    return worse(today, now)


def with_examples(findings: list[Finding], sight: Sight) -> Iterator[Finding]:
    """Doubles are told by name, those of a few offers, as each costs some queries."""
    doubled = [each for each in findings if each.code == Code.DUPLICATES_HIGH][:OFFERS_WITH_EXAMPLES]
    for each in findings:
        if each not in doubled or each.subject_id is None:
            yield each
            continue
        ids = examples.doubled_event_ids(sight.offers[each.subject_id], slot_of(sight.now - DAY))
        yield replace(each, words=each.words + examples.named(ids, sight.day[each.subject_id].doubles))


def unreported(sight: Sight) -> Iterator[Finding]:
    """The gap is one of days: a sale is missed a day after a page has told of it."""
    until = sight.now - limits.OLD_ENOUGH
    since = until - limits.GAP_SPAN
    when = f"In the {in_words(limits.GAP_SPAN)} until a day ago"
    for offer in sight.offers.values():
        found_so = of_window(GAP, offer, sight.reported.get(offer.pk), when, since, until)
        if found_so:
            yield found_so


def worse(today: Finding | None, now: Finding | None) -> Finding | None:
    """The bad one of the two; of the same tone that of the day, which speaks of more."""
    if today and now:
        return now if (today.tone, now.tone) == ("warn", "bad") else today
    return today or now


def of_window(
    check: Check, offer: Offer, sums: Figures | None, when: str, since: datetime, until: datetime
) -> Finding | None:
    """What the figure of these hours is a finding of; None while it is on target, or about too little."""
    target = TARGETS[check.target]
    value = target.read(sums) if sums else None
    if sums is None or value is None or target.cases(sums) < check.least.cases:
        return None
    is_short = until - since == LATELY
    tone = target.tone_of(value)
    if tone == "good" or check.off(sums) < (check.least.off_lately if is_short else check.least.off):
        return None
    words = f"{when} {check.words(sums)} The target is {target.wanted}. {target.look}"
    link = PARTS[check.part].url(Scope.OFFER, offer.pk, since, until) or health_page(offer)
    more = {"link": link, "do": "See them", "value": target.shown(value), "target": target.wanted}
    return found(check.code, offer, tone, f"{check.title} {offer}: {target.shown(value)}", words, **more)


def accepted_words(sums: Figures) -> str:
    parts = [(sums.waiting - sums.fresh, "waiting"), (sums.dead, "dead letters"), (sums.discarded, "discarded")]
    lost = ", ".join(f"{count:,} {name}" for count, name in parts if count)
    return f"TikTok accepted {sums.accepted:,} of {sums.due - sums.fresh:,} events; the others: {lost}."


def match_words(sums: Figures) -> str:
    facts = f"the Pixel was seen to fire for {sums.fired:,} of {sums.both_legs:,} events that go over both legs"
    why = BLOCKED if sums.blocked >= sums.unheard else UNHEARD
    return f"{facts}: {sums.blocked:,} were blocked, {sums.unheard:,} not heard of. {why}"


def double_words(sums: Figures) -> str:
    is_one = sums.doubles == 1
    tells = "tells a sale again under an event_id of its own" if is_one else "tell sales again under other event_ids"
    which = "it" if is_one else "them"
    return f"{sums.doubles:,} of {sums.conversions:,} conversions {tells}, so TikTok counts {which} twice."


def retry_words(sums: Figures) -> str:
    return f"{sums.retried:,} of {sums.tried:,} events had to be sent more than once."


def delay_words(sums: Figures) -> str:
    half, most = (TARGETS[name].shown(TARGETS[name].read(sums)) for name in ("delay_p50", "delay_p95"))
    return f"half of {sums.delays.total():,} events were accepted within {half}, 95 of 100 within {most}."


def gap_words(sums: Figures) -> str:
    return f"{sums.unreported:,} of {sums.expected:,} sales that pages have told of were not reported by the network."


def slower_than(seconds: float) -> Callable[[Figures], int]:
    return lambda sums: sum(count for delay, count in sums.delays.items() if delay > seconds)


def doubles_that_matter(sums: Figures) -> int:
    return sums.doubles if sums.doubles >= limits.DUPLICATES_SHARE * sums.conversions else 0


CHECKS = [
    Check(
        Code.ACCEPTANCE_LOW, "acceptance", limits.ACCEPTANCE, lambda sums: sums.due - sums.fresh - sums.accepted,
        "TikTok accepts too few events of", accepted_words, "due",
    ),
    Check(
        Code.MATCH_LOW, "match", limits.MATCH, lambda sums: sums.both_legs - sums.fired,
        "The Pixel is missing too often for", match_words, "both_legs",
    ),
    Check(
        Code.DUPLICATES_HIGH, "duplicates", limits.DUPLICATES, doubles_that_matter,
        "Sales under several event_ids of", double_words, "doubles",
    ),
    Check(
        Code.RETRIES_HIGH, "retries", limits.RETRIES, lambda sums: sums.retried,
        "Too many retries for", retry_words, "retried",
    ),
    Check(
        Code.DELAY_HIGH, "delay_p95", limits.DELAY, slower_than(300),
        "Delivery is slow for", delay_words, "accepted",
    ),
]  # fmt: skip
GAP = Check(
    Code.GAP_HIGH, "gap", limits.GAP, lambda sums: sums.unreported,
    "Sales that the network has not reported for", gap_words, "unreported",
)  # fmt: skip


def hardly_identified(sight: Sight) -> Iterator[Finding]:
    """Offers whose events carry neither the ad's click nor a digest of a person often enough to be matched."""
    told = 0
    for offer in sight.offers.values():
        words = identified_words(sight.day.get(offer.pk), IN_A_DAY)
        words = words or identified_words(sight.lately.get(offer.pk), IN_HOURS)
        if words:
            share, sentence = words
            sentence += examples.macros_of_the_ad(offer, sight.now - DAY) if told < OFFERS_WITH_EXAMPLES else ""
            told += 1
            yield found(
                Code.IDENTIFIERS_FEW, offer, "warn", f"Too little to match people by for {offer}", sentence,
                link=health_page(offer), do="See the figures", value=share,
                target=f"{percent(limits.IDENTIFIERS_SHARE)} or more",
            )  # fmt: skip


def identified_words(sums: Figures | None, when: str) -> tuple[str, str] | None:
    """The share that came by an ad's click, and what it is about; None where enough events can be matched."""
    if sums is None or sums.due < limits.IDENTIFIERS_CASES:
        return None
    by_click, by_email, by_phone = (sums.coverage(name) or 0.0 for name in ("ttclid", "email", "phone"))
    by_person = max(by_email, by_phone)
    if max(by_click, by_person) >= limits.IDENTIFIERS_SHARE:
        return None
    sentence = (
        f"{when} {percent(by_click)} of {sums.due:,} events carried a ttclid and {percent(by_person)} an e-mail "
        f"address or a phone number. {TARGETS['ttclid'].look}"
    )
    return percent(by_click), sentence


def hardly_allowed(sight: Sight) -> Iterator[Finding]:
    """Offers most of whose conversions TikTok may not be told of: refused, or not agreed to so far."""
    for offer in sight.offers.values():
        words = consent_words(sight.day.get(offer.pk), IN_A_DAY) or consent_words(sight.lately.get(offer.pk), IN_HOURS)
        if words:
            share, sentence = words
            yield found(
                Code.CONSENT_LOW, offer, "warn", f"Most visitors of {offer} have not agreed", sentence,
                value=share, target=f"below {percent(limits.CONSENT_SHARE)}",
            )  # fmt: skip


def consent_words(sums: Figures | None, when: str) -> tuple[str, str] | None:
    """The share that may not be told, and what it is about; None where most may."""
    denied, unknown = (sums.reasons[reason] if sums else 0 for reason in UNTOLD)
    cases = denied + unknown + (sums.due if sums else 0)
    share = (denied + unknown) / cases if cases else 0.0
    if share < limits.CONSENT_SHARE or (cases < limits.CONSENT_CASES and share < 1):
        return None
    sentence = (
        f"{when} TikTok could not be told of {denied + unknown:,} of {cases:,} events for want of consent: "
        f"{denied:,} of visitors who refused, {unknown:,} of visitors who have not answered. If that is more than you "
        "would expect, check that the banner appears and that its buttons tell the answer."
    )
    return percent(share), sentence
