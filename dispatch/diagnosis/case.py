"""One thing that is judged: a conversion, or a click, call or row of a file that has led to none."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conversions.identity import hide_inside
from conversions.models import Click, Conversion, Postback, Sighting, UploadRow
from conversions.outcomes import Outcome
from conversions.page_events import page_rules
from dispatch.diagnosis.evidence import Evidence
from dispatch.diagnosis.verdicts import Cause, Verdict
from dispatch.models import Delivery
from dispatch.standing import Standing
from dispatch.wording import at, quoted
from offers.models import EventRule, Network, Offer, Pixel

Trigger = EventRule.Trigger


@dataclass(frozen=True)
class Ruling:
    """The verdict, its cause, and both in a sentence or two. `about` is another row that it speaks of."""

    verdict: Verdict
    cause: Cause
    words: str
    notes: tuple[str, ...] = ()
    about: Conversion | Postback | None = None


@dataclass
class Case:
    """`conversion` comes with its click; of `postback` and `row` the click may be unknown."""

    evidence: Evidence
    click: Click | None = None
    conversion: Conversion | None = None
    postback: Postback | None = None
    row: UploadRow | None = None

    @property
    def now(self) -> datetime:
        return self.evidence.now

    @property
    def kind(self) -> str:
        if self.conversion:
            return "conversion"
        if self.postback:
            return "postback"
        return "upload_row" if self.row else "click"

    @property
    def key(self) -> str:
        subject = self.conversion or self.postback or self.row or self.click
        return str(subject.pk) if subject else ""

    @property
    def offer(self) -> Offer | None:
        return self.click.offer if self.click else None

    @property
    def network(self) -> Network | None:
        if self.click:
            return self.click.offer.network
        if self.postback:
            return self.postback.network
        return self.row.upload.network if self.row else None

    @property
    def pixel(self) -> Pixel | None:
        delivery = self.delivery
        return delivery.pixel if delivery else self.offer.pixel if self.offer else None

    @property
    def rules(self) -> list[EventRule]:
        return self.evidence.rules[self.offer.pk] if self.offer else []

    @property
    def deliveries(self) -> list[Delivery]:
        return self.evidence.deliveries[self.conversion.pk] if self.conversion else []

    @property
    def delivery(self) -> Delivery | None:
        """The one that got furthest, of those to several pixels."""
        ranked = sorted(self.deliveries, key=lambda row: (row.status != Delivery.Status.ACCEPTED, -row.pk))
        return ranked[0] if ranked else None

    @property
    def entries(self) -> list[Any]:
        return self.evidence.entries[self.conversion.pk] if self.conversion else []

    @property
    def waits(self) -> list[Standing]:
        return self.evidence.waits.get(self.delivery.pk, []) if self.delivery else []

    @property
    def original(self) -> Conversion | None:
        return self.evidence.originals.get(self.conversion.pk) if self.conversion else None

    def at(self, moment: datetime | None) -> str:
        return at(moment, self.now) if moment else "a time that is not known"

    def seen(self, outcome: str) -> Sighting | None:
        """What a browser said of the Pixel's copy."""
        rows = self.evidence.sightings[self.conversion.pk] if self.conversion else []
        return next((row for row in rows if row.outcome == outcome), None)

    @property
    def has_both_legs(self) -> bool:
        """Whether a page of ours fires this event on the Pixel, too."""
        if not self.conversion:
            return False
        rule = page_rules(self.rules).get(self.conversion.event_name)
        is_called = not self.entries or self.conversion.occurrence_key == ""
        return bool(rule and rule.trigger == Trigger.PAGE and rule.uses("pixel") and rule.uses("server") and is_called)

    @property
    def postback_rules(self) -> list[EventRule]:
        """The rules by which the network's word is told, of this event where one is judged."""
        told = [rule for rule in self.rules if rule.trigger != Trigger.PAGE]
        return [rule for rule in told if not self.conversion or rule.event_name == self.conversion.event_name]

    @property
    def may_have_been_told(self) -> bool:
        """Whether TikTok has got a copy, may have, or is about to."""
        open_or_done = (Delivery.Status.ACCEPTED, Delivery.Status.WAITING, Delivery.Status.LEASED)
        return bool(self.seen("fired")) or any(
            row.status in open_or_done or row.maybe_accepted for row in self.deliveries
        )


Rule = Callable[[Case], Ruling | None]


def first_that_fits(rules: Iterable[Rule], case: Case) -> Ruling | None:
    return next(filter(None, (rule(case) for rule in rules)), None)


def said(detail: str) -> str:
    """What somebody else said, without personal data; empty when nothing was said."""
    return quoted(hide_inside(detail)) if detail else ""


def detail_of(postback: Postback) -> str:
    """The words of its outcome; the address of a refused caller stays where it is."""
    return "" if postback.outcome == Outcome.IP_NOT_ALLOWED else hide_inside(postback.detail)
