"""What every figure of health should be: its target, what it counts, and where to look first when it is off."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from dispatch.findings.finding import Scope
from dispatch.health.figures import Figures
from dispatch.health.rows import Part, parts
from dispatch.wording import in_words

LEAST = 10  # fewer cases than this say nothing: one of nine is 11 %
EVERYWHERE = (Scope.OFFER, Scope.NETWORK, Scope.PIXEL)
SOLD_BY = (Scope.OFFER, Scope.NETWORK)
NBSP = "\N{NO-BREAK SPACE}"
OFF = {"below": (operator.lt, "below {}"), "from": (operator.ge, "{} or more"), "above": (operator.gt, "above {}")}
WITHIN = {"below": "{} or more", "from": "below {}", "above": "{} at most"}


@dataclass(frozen=True)
class Limit:
    """A bound, and when a value is off: below it, from it on, or above it."""

    off: str
    bound: float

    def is_crossed(self, value: float) -> bool:
        return bool(OFF[self.off][0](value, self.bound))


@dataclass(frozen=True)
class Target:
    """One figure: `read` gives its value, `cases` the number of rows it is about; fewer than LEAST say nothing.

    Shares are from 0 to 1, spans in seconds. `watch` and `bad` are the limits beyond which it is off; where there are
    none, the figure is shown and not judged. `counts` names numerator, denominator and rows; `look` says where to look
    first, on the page `look_at` names (see `places`). `parts` are the rows behind it.
    """

    name: str
    label: str
    unit: str
    scopes: tuple[Scope, ...]
    read: Callable[[Figures], float | None]
    cases: Callable[[Figures], int]
    watch: Limit | None
    bad: Limit | None
    counts: str
    look: str
    look_at: str
    parts: tuple[Part, ...]

    def tone(self, figures: Figures) -> str:
        """The tone of a badge: good, warn, bad; calm when nothing can be said of it."""
        value = self.read(figures)
        if value is None or self.cases(figures) < LEAST or self.watch is None:
            return "calm"
        return self.tone_of(value)

    def tone_of(self, value: float) -> str:
        if self.bad and self.bad.is_crossed(value):
            return "bad"
        return "warn" if self.watch and self.watch.is_crossed(value) else "good"

    def shown(self, value: float | None) -> str:
        """The value as people read it; a dash where there is none."""
        if value is None:
            return "–"
        if self.unit == "seconds":
            return in_words(timedelta(seconds=value)) if value else "under a second"
        return percent(value)

    @property
    def wanted(self) -> str:
        """The target in words: “99 % or more”; empty where there is none."""
        return "" if self.watch is None else WITHIN[self.watch.off].format(self.shown(self.watch.bound))

    @property
    def alarming(self) -> str:
        """From where on it is bad: “below 95 %”; empty where nothing is."""
        return "" if self.bad is None else OFF[self.bad.off][1].format(self.shown(self.bad.bound))


def percent(share: float) -> str:
    """To a tenth, but 100 only for all and 0 only for none."""
    tenths = round(share * 1000)
    if 0 < share < 1:
        tenths = min(999, max(1, tenths))
    return f"{tenths / 10:,.0f}{NBSP}%" if tenths >= 10_000 else f"{tenths / 10:.3g}{NBSP}%"


def covered(identifier: str, label: str, watch: Limit | None, look: str, behind: tuple[Part, ...] = ()) -> Target:
    """How many of those due carry an identifier."""
    return Target(
        name=identifier,
        label=f"Identifier coverage: {label}",
        unit="share",
        scopes=EVERYWHERE,
        read=lambda sums: sums.coverage(identifier),
        cases=lambda sums: sums.due,
        watch=watch,
        bad=None,
        counts=f"Of the deliveries that were to be sent, those that carry {label} as TikTok is told it: only what the "
        "offer approves counts.",
        look=look,
        look_at="coverage",
        parts=behind,
    )


TARGETS = {
    target.name: target
    for target in (
        Target(
            name="acceptance",
            label="API acceptance rate",
            unit="share",
            scopes=EVERYWHERE,
            read=lambda sums: sums.acceptance,
            cases=lambda sums: sums.due - sums.fresh,
            watch=Limit("below", 0.99),
            bad=Limit("below", 0.95),
            counts="Deliveries that TikTok accepted, of those that were to be sent: accepted, waiting, dead or "
            "discarded. What waits and was recorded less than 15 minutes ago is left out, and so is what was held or "
            "not to be sent.",
            look="Dead letters say what TikTok refused and why; what waits says why on its own page.",
            look_at="dead_letters",
            parts=parts("accepted", "waiting", "dead", "discarded"),
        ),
        Target(
            name="match",
            label="Pixel/server match ratio",
            unit="share",
            scopes=EVERYWHERE,
            read=lambda sums: sums.match,
            cases=lambda sums: sums.both_legs,
            watch=Limit("below", 0.95),
            bad=Limit("below", 0.80),
            counts="Deliveries whose Pixel copy a browser said it has fired, of those whose event a page calls and "
            "whose rule uses both legs.",
            look="If most are blocked, look at the page's Content-Security-Policy; if most were not heard of, at the "
            "pages that call the event. The coverage page tells it by event.",
            look_at="coverage",
            parts=parts("both_legs", "fired", "blocked", "unheard"),
        ),
        Target(
            name="duplicates",
            label="Duplicate ratio",
            unit="share",
            scopes=SOLD_BY,
            read=lambda sums: sums.duplicates,
            cases=lambda sums: sums.conversions,
            watch=Limit("above", 0),
            bad=Limit("from", 0.01),
            counts="Conversions that tell a sale again under another event_id, so that TikTok counts it twice, of all "
            "conversions recorded.",
            look="Compare two of them: the same transaction on two clicks, two transactions of one click, a page that "
            "gives a sale a key of its own which the network does not know, or a page that calls the event twice.",
            look_at="doubles",
            parts=parts("doubles", "all"),
        ),
        Target(
            name="gap",
            label="Missing-postback gap",
            unit="share",
            scopes=SOLD_BY,
            read=lambda sums: sums.gap,
            cases=lambda sums: sums.expected,
            watch=Limit("above", 0.02),
            bad=Limit("above", 0.03),
            counts="Sales that a page reported at least 24 hours ago and the network has not, of all that a page "
            "reported by then and the network was to report as well.",
            look="See whether postbacks of the network lead to nothing, then ask the network for the transactions.",
            look_at="postbacks",
            parts=parts("unreported", "expected"),
        ),
        Target(
            name="retries",
            label="Retry rate",
            unit="share",
            scopes=EVERYWHERE,
            read=lambda sums: sums.retries,
            cases=lambda sums: sums.tried,
            watch=Limit("from", 0.02),
            bad=Limit("from", 0.10),
            counts="Deliveries that were tried more than once, of those that were tried. Tries that TikTok put off "
            "or refused for the credential's sake make no second one.",
            look="The attempts of one of them say what TikTok answered, and whether it is TikTok or the network "
            "between.",
            look_at="retried",
            parts=parts("retried", "tried"),
        ),
        Target(
            name="delay_p50",
            label="Delivery delay, p50",
            unit="seconds",
            scopes=EVERYWHERE,
            read=lambda sums: sums.delay(0.50),
            cases=lambda sums: sums.delays.total(),
            watch=Limit("above", 60),
            bad=Limit("above", 900),
            counts="Half of the accepted deliveries took no longer than this, from when the conversion was recorded "
            "to when TikTok accepted it (p50, nearest rank, whole seconds).",
            look="The pixel's page says whether its queue stands still or is slow, and why.",
            look_at="pixel",
            parts=parts("accepted"),
        ),
        Target(
            name="delay_p95",
            label="Delivery delay, p95",
            unit="seconds",
            scopes=EVERYWHERE,
            read=lambda sums: sums.delay(0.95),
            cases=lambda sums: sums.delays.total(),
            watch=Limit("above", 300),
            bad=Limit("above", 3600),
            counts="95 of 100 accepted deliveries took no longer than this, from when the conversion was recorded to "
            "when TikTok accepted it (p95, nearest rank, whole seconds).",
            look="The pixel's page says whether its queue stands still or is slow, and why. What waits for consent or "
            "for an exchange rate is late as well when it is sent in the end.",
            look_at="pixel",
            parts=parts("accepted"),
        ),
        covered(
            "ttclid",
            "ttclid",
            Limit("below", 0.80),
            "Use the link for the TikTok ad, from the offer's page, as the ad's URL: it brings each click's ttclid.",
            parts("no_ttclid", "due"),
        ),
        covered(
            "browser",
            "IP address and browser",
            Limit("below", 0.80),
            "Enter the addresses of your proxies in TRUSTED_PROXIES: an address that is private is left out.",
        ),
        covered(
            "ttp",
            "_ttp",
            None,
            "It is a cookie that the Pixel sets: put the script, or the tags, on the landing page.",
            parts("no_ttp", "due"),
        ),
        covered(
            "email",
            "e-mail",
            None,
            "The coverage page says how to pass it, and whether the offer approves it.",
        ),
        covered(
            "phone",
            "phone number",
            None,
            "The coverage page says how to pass it, and whether the offer approves it.",
        ),
        covered(
            "external_id",
            "external id",
            None,
            "Without one of your own, it is the click id's digest, where the offer approves it.",
        ),
    )
}


def targets_of(scope: Scope) -> list[Target]:
    """The figures that say something about such subjects."""
    return [target for target in TARGETS.values() if scope in target.scopes]
