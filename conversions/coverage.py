"""How well TikTok can match what it is told of an offer: who gives which identifier, and whether the Pixel fires too.

No interface of TikTok tells its match quality, so the score here stands in for it. Everything is counted over the
newest rows of one offer, which its indexes hand out in order: as cheap at millions of rows as at hundreds.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery

from conversions.models import Click, Consent, Conversion, Sighting
from conversions.models.click import REFUSALS
from conversions.page_events import page_rules
from conversions.visitor import visitor_ip
from offers.models import EventRule, Offer

SPAN = timedelta(days=7)
NEWEST = 2_000  # shares of so many are right to about 2 %, and read in a moment
FULL_SCORE = 10.0
# What each identifier is worth of a full score. TikTok publishes no figures: ttclid names the very click, hashed e-mail
# and phone a person with an account; _ttp, external id and address with browser are guesses that several together make.
WEIGHTS = {"ttclid": 3.0, "email": 2.5, "phone": 1.5, "ttp": 1.0, "browser": 1.0, "external_id": 1.0}
UNTOLD = ("robot", "erased", "refused", "unasked")


class Row(NamedTuple):
    """One conversion, with what its click knows; texts only where more than their presence counts."""

    event_name: str
    ttclid: bool
    ttp: bool
    ip: str | None
    user_agent: bool
    email: bool
    phone: bool
    consent: str
    country: str
    robot: str
    erased_at: datetime | None
    seen: str | None


@dataclass
class EventCoverage:
    """One event: how many conversions TikTok may be told of, and how many have each identifier.

    `told` are those identifiers that TikTok gets, `held` those that are known, approved by the offer or not.
    """

    event_name: str
    count: int = 0
    told: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)

    def share(self, key: str) -> float:
        """From 0 to 1, as TikTok gets it."""
        return self.told[key] / self.count if self.count else 0.0

    def share_held(self, key: str) -> float:
        """From 0 to 1, as it is known here."""
        return self.held[key] / self.count if self.count else 0.0

    @property
    def score(self) -> float:
        """From 0 to 10, to one decimal."""
        return round(sum(weight * self.share(key) for key, weight in WEIGHTS.items()), 1)

    @property
    def weakest(self) -> str:
        """The identifier that would add most to the score; empty when hardly anything is missing."""
        gains = {key: weight * (1 - self.share(key)) for key, weight in WEIGHTS.items()}
        best = max(gains, key=lambda key: gains[key])
        return best if gains[best] >= 0.1 else ""


@dataclass
class Matched:
    """One event that goes over both legs: in how many cases the browser said that its Pixel fired or was blocked."""

    event_name: str
    count: int = 0
    fired: int = 0
    blocked: int = 0

    @property
    def unheard(self) -> int:
        return self.count - self.fired - self.blocked

    @property
    def ratio(self) -> float | None:
        """From 0 to 1; None when nothing happened."""
        return self.fired / self.count if self.count else None


Counted = TypeVar("Counted", EventCoverage, Matched)


@dataclass
class Coverage:
    """The newest conversions of an offer, summed up; in `untold` those that TikTok may not hear of, by reason."""

    read: int
    events: list[EventCoverage]
    matched: list[Matched]
    untold: Counter[str]


@dataclass
class Arrivals:
    """The newest clicks of an offer: what visitors answered, and how many were none."""

    read: int
    answers: Counter[str]
    robots: Counter[str]

    @property
    def visitors(self) -> int:
        return self.read - self.robots.total()


def coverage_of(offer: Offer, rules: list[EventRule], now: datetime) -> Coverage:
    """One query, whatever the offer has seen."""
    events = {rule.event_name: EventCoverage(rule.event_name) for rule in rules if rule.uses("server")}
    both = [rule for rule in page_rules(rules).values() if rule.uses("pixel") and rule.uses("server")]
    matched = {rule.event_name: Matched(rule.event_name) for rule in both}
    untold: Counter[str] = Counter()
    withheld = offer.withheld
    rows = [Row(*values) for values in newest_conversions(offer, now)]
    for row in rows:
        reason = why_untold(offer, row.robot, row.erased_at, row.consent, row.country)
        if reason:
            untold[reason] += 1
            continue
        if row.event_name in events:
            add(events[row.event_name], row, withheld)
        if row.event_name in matched:
            see(matched[row.event_name], row)
    return Coverage(len(rows), ordered(events.values()), with_a_page(matched.values(), rules), untold)


def newest_conversions(offer: Offer, now: datetime) -> "QuerySet[Conversion, tuple[Any, ...]]":
    """The fields of Row for at most NEWEST conversions of the last 7 days, the newest first."""
    # One look-up a row: for EXISTS, PostgreSQL would rather read all sightings. "fired" comes before "blocked".
    sightings = Sighting.objects.filter(conversion=OuterRef("pk")).order_by("-outcome").values("outcome")[:1]
    rows = Conversion.objects.filter(offer=offer, created_at__gte=now - SPAN, is_test=False).order_by("-created_at")
    return rows.annotate(
        has_ttclid=is_there("click__ttclid"),
        has_ttp=is_there("click__ttp"),
        has_agent=is_there("click__user_agent"),
        has_email=is_there("email_sha256", "click__email_sha256"),
        has_phone=is_there("phone_sha256", "click__phone_sha256"),
        seen=Subquery(sightings),
    ).values_list(
        "event_name", "has_ttclid", "has_ttp", "click__ip", "has_agent", "has_email", "has_phone", "click__consent",
        "click__country", "click__robot", "click__erased_at", "seen",
    )[:NEWEST]  # fmt: skip


def is_there(*fields: str) -> "ExpressionWrapper[Any]":
    """Whether one of the texts is not empty: the texts themselves, some of 2,000 characters, stay in the database."""
    conditions = Q()
    for name in fields:
        conditions |= ~Q(**{name: ""})
    return ExpressionWrapper(conditions, output_field=BooleanField())


def why_untold(offer: Offer, robot: str, erased_at: datetime | None, consent: str, country: str) -> str:
    """Why TikTok may not be told of this visitor; empty when it may."""
    if robot or erased_at:
        return "robot" if robot else "erased"
    if consent in REFUSALS:
        return "refused"
    return "unasked" if consent == Consent.UNKNOWN and offer.needs_consent(country) else ""


def add(event: EventCoverage, row: Row, withheld: frozenset[str]) -> None:
    """Count one conversion; `withheld` are the identifiers that the offer does not approve."""
    held = {
        "ttclid": row.ttclid,
        "ttp": row.ttp,
        "browser": row.user_agent and bool(visitor_ip(row.ip)),
        "email": row.email,
        "phone": row.phone,
        "external_id": True,  # where nobody gives one, the click id's digest goes in its place
    }
    present = [key for key, is_held in held.items() if is_held]
    event.count += 1
    event.held.update(present)
    event.told.update(key for key in present if key not in withheld)


def see(event: Matched, row: Row) -> None:
    """Count what a browser said. One that was blocked at first and fired in the end has fired."""
    event.count += 1
    event.fired += row.seen == Sighting.Outcome.FIRED
    event.blocked += row.seen == Sighting.Outcome.BLOCKED


def ordered(events: Iterable[Counted]) -> list[Counted]:
    return sorted(events, key=lambda event: (-event.count, event.event_name))


def with_a_page(matched: Iterable[Matched], rules: list[EventRule]) -> list[Matched]:
    """Without events that only postbacks tell: no page of ours calls them, so no browser can be heard of."""
    called = {rule.event_name for rule in rules if rule.trigger == EventRule.Trigger.PAGE}
    ours = [event for event in matched if event.event_name in called or event.fired or event.blocked]
    return ordered(ours)


def arrivals_of(offer: Offer, now: datetime) -> Arrivals:
    """One query, as well."""
    found = list(newest_clicks(offer, now))
    answers = Counter(answer_of(offer, consent, country) for consent, robot, country in found if not robot)
    return Arrivals(len(found), answers, Counter(robot for _, robot, _ in found if robot))


def newest_clicks(offer: Offer, now: datetime) -> "QuerySet[Click, tuple[str, str, str]]":
    """Answer, robot and country of at most NEWEST clicks of the last 7 days, the newest first."""
    rows = Click.objects.filter(offer=offer, created_at__gte=now - SPAN, is_test=False).order_by("-created_at")
    return rows.values_list("consent", "robot", "country")[:NEWEST]


def answer_of(offer: Offer, consent: str, country: str) -> str:
    """The answer; of those who gave none, whether they had to be asked."""
    if consent != Consent.UNKNOWN:
        return consent
    return "unasked" if offer.needs_consent(country) else "free"
