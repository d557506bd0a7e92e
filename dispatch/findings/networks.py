"""Networks that say nothing, or what they say leads to nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta

from django.urls import reverse

from conversions.outcomes import STRANGERS, TROUBLED, Outcome
from dispatch.findings import limits
from dispatch.findings.finding import Code, Finding
from dispatch.findings.hush import hushes_among
from dispatch.findings.limits import DAY, LATELY
from dispatch.findings.sight import Sight, found, list_page
from dispatch.health.targets import percent
from dispatch.wording import at, in_words
from offers.models import EventRule, Network
from offers.silence import TOLD_FOR, in_hours, limit_of, silent_for

NOT_OURS = frozenset({Outcome.UNMATCHED_CLICK, Outcome.MISSING_CLICK_ID})
"""What sales of other traffic come to as well: a few are no fault."""
SWITCHED_OFF = "switched_off"
WRONG_SECRET, WRONG_SECRET_LABEL = "wrong_secret", "Calls with a wrong secret"


def silent(sight: Sight) -> Iterator[Finding]:
    """Networks that should have called by now: usually their postback URL is wrong, and sales are missing."""
    for network in Network.objects.live().filter(silence_hours__isnull=False):
        silence = silent_for(network, sight.now)
        if silence is None:
            continue
        heard = f"It called last at {at(network.heard_at, sight.now)}" if network.heard_at else "It has never called"
        allowed = limit_of(network)
        words = (
            f"{heard}, and it may be silent for {allowed}. Check the postback URL entered there; a test postback on "
            "the network's page shows whether this side works."
        )
        title = f"Nothing from {network} for {in_hours(silence)}"
        more = {"value": in_hours(silence), "target": allowed}
        yield found(Code.NETWORK_SILENT, network, "warn", title, words, **more)


def switched_off(sight: Sight) -> Iterator[Finding]:
    """Networks that are not active and that active offers expect calls of: these are answered 404 and kept nowhere."""
    suspects = {key: offer for key, offer in sight.offers.items() if not offer.network.is_active}
    if not suspects:
        return
    rules = EventRule.objects.filter(offer__in=suspects).exclude(trigger=EventRule.Trigger.PAGE)
    offers: dict[Network, list[str]] = defaultdict(list)
    for key in rules.order_by("offer").values_list("offer_id", flat=True).distinct():
        offers[suspects[key].network].append(str(suspects[key]))
    for network, names in offers.items():
        words = (
            f"Its calls are answered with a 404 and kept nowhere, so nothing is heard of sales of {', '.join(names)}. "
            "Make it active on its page, or switch its offers off."
        )
        title = f"{network} is switched off here, and has active offers"
        yield found(Code.NETWORK_SILENT, network, "bad", title, words, detail=SWITCHED_OFF)


def hushed(sight: Sight) -> Iterator[Finding]:
    """Networks that nobody has said of how long they may be silent, and that usually call at this time of the day."""
    for hush in hushes_among(Network.objects.all(), sight.now):
        span = hush.lasts(sight.now)
        words = (
            f"{hush.words} Check the postback URL entered there; a test postback on the network's page shows whether "
            "this side works. Say there for how long it may be silent."
        )
        title = f"Nothing from {hush.network} for {span}"
        more = {"value": span, "target": f"{hush.usual:,.0f} calls in {in_hours(limits.HUSHED_SPAN)}"}
        yield found(Code.NETWORK_SILENT, hush.network, "warn", title, words, **more)


def unusable(sight: Sight) -> Iterator[Finding]:
    """Postbacks of the last day that led to nothing, by network and outcome."""
    day, lately = sight.postbacks
    troubled = [key for key in day if any(day[key][outcome] for outcome in TROUBLED)]
    networks = Network.objects.in_bulk(troubled)
    for key in troubled:
        bad = [(-day[key][outcome], outcome) for outcome in TROUBLED if day[key][outcome]]
        for _, outcome in sorted(bad):
            if is_worth_telling(outcome, day[key]):
                yield of_outcome(networks[key], Outcome(outcome), day[key], lately[key])


def turned_away(sight: Sight) -> Iterator[Finding]:
    """Networks whose address was called lately with a wrong secret: such calls are answered 404 and kept nowhere."""
    for network in Network.objects.live().filter(turned_away_at__gte=sight.now - TOLD_FOR):
        came = at(network.turned_away_at or sight.now, sight.now)
        words = (
            f"The last came at {came}. They are answered with a 404 and kept nowhere. Compare the postback URL entered "
            "at the network with the one on its page, and have it send again what was turned away."
        )
        title = f"{WRONG_SECRET_LABEL} ({network})"
        yield found(Code.POSTBACKS_UNUSABLE, network, "warn", title, words, detail=WRONG_SECRET)


def is_worth_telling(outcome: str, day: Counter[str]) -> bool:
    """A click may come after its postback, and a sale be of other traffic; everything else is a mistake to mend."""
    if outcome not in NOT_OURS:
        return True
    return day[outcome] >= limits.UNUSABLE_COUNT or day[outcome] / day.total() >= limits.UNUSABLE_SHARE


def of_outcome(network: Network, outcome: Outcome, day: Counter[str], lately: Counter[str]) -> Finding:
    """Bad once it is most of what the network says: of a day, or of the last hours.

    Whoever knows the address can forge a call, so that one is not the network's is weighed by the day alone.
    """
    count, total = day[outcome], day.total()
    title = f"{count:,} postback{'' if count == 1 else 's'} in 24 hours: {outcome.label} ({network})"
    is_word = outcome == Outcome.UNMAPPED_STATUS
    shown = list_page("conversions_postback", {"outcome__exact": outcome.value, "network__id__exact": network.pk})
    words = f"{network} called {total:,} time{'' if total == 1 else 's'}; {percent(count / total)} ended so. "
    alike = company(outcome, day)
    is_most_now = outcome not in STRANGERS and is_most(alike, lately, limits.UNUSABLE_LATELY)
    if is_most_now:
        words += f"Of the last {in_words(LATELY)} it was {lately[outcome]:,} of {lately.total():,}. "
    words += all_in_all(alike, lately if is_most_now else day, LATELY if is_most_now else DAY)
    return found(
        Code.POSTBACKS_UNUSABLE, network, "bad" if is_most(alike, day) or is_most_now else "warn",
        title, words + outcome.advice, detail=outcome.value, value=f"{count:,} of {total:,}",
        link=reverse("admin:conversions_postback_unmapped") if is_word else shown,
        do="Map the words" if is_word else "Look at them",
    )  # fmt: skip


def company(outcome: Outcome, day: Counter[str]) -> frozenset[str]:
    """Itself and what else led to nothing: many kinds of mistakes are no better than one of them."""
    if outcome in STRANGERS:
        return frozenset({outcome})
    others = (each for each in TROUBLED if each not in STRANGERS and day[each])
    return frozenset({outcome, *(each for each in others if is_worth_telling(each, day))})


def is_most(outcomes: frozenset[str], counts: Counter[str], least: int = 1) -> bool:
    """Whether together they are most of what the network says; what may be nobody's mistake, in some number only."""
    kinds = {each for each in outcomes if counts[each]}
    least = limits.DOUBTFUL_CASES if kinds <= NOT_OURS | STRANGERS else least
    count = sum(counts[each] for each in outcomes)
    return count >= least and count / counts.total() >= limits.MOST


def all_in_all(outcomes: frozenset[str], counts: Counter[str], span: timedelta) -> str:
    """How much led to nothing where it did so in several ways; empty where there is one."""
    kinds = [each for each in outcomes if counts[each]]
    count = sum(counts[each] for each in kinds)
    when = in_words(span)
    return f"All in all, {count:,} of {counts.total():,} in {when} led to nothing. " if len(kinds) > 1 else ""
