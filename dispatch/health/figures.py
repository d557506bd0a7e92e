"""What the figures of health are, exactly: sums of half-hours, and the ratios that follow from them."""

from collections import Counter
from dataclasses import dataclass, field, fields
from math import ceil


@dataclass
class Figures:
    """Sums over a scope and a time; every ratio is from 0 to 1, or None when there is nothing to speak of.

    Conversions belong to the half-hour in which they were recorded. What is `waiting` and younger than 15 minutes is
    `fresh` and part of no ratio: it has not had its chance yet.
    """

    accepted: int = 0
    waiting: int = 0
    fresh: int = 0
    dead: int = 0
    discarded: int = 0
    held: int = 0
    suppressed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    tried: int = 0
    retried: int = 0
    both_legs: int = 0
    fired: int = 0
    blocked: int = 0
    identified: Counter[str] = field(default_factory=Counter)
    delays: Counter[int] = field(default_factory=Counter)
    conversions: int = 0
    doubles: int = 0
    expected: int = 0
    unreported: int = 0
    clicks: int = 0
    postbacks: Counter[str] = field(default_factory=Counter)

    @property
    def due(self) -> int:
        """Deliveries that were to be sent: accepted, waiting, dead or discarded; not those held or suppressed."""
        return self.accepted + self.waiting + self.dead + self.discarded

    @property
    def acceptance(self) -> float | None:
        """Accepted of those due that are not fresh."""
        return ratio(self.accepted, self.due - self.fresh)

    @property
    def match(self) -> float | None:
        """Of the conversions due on both legs, those whose Pixel copy the browser saw fired."""
        return ratio(self.fired, self.both_legs)

    @property
    def duplicates(self) -> float | None:
        """Of all conversions, those that tell a sale again under another event_id."""
        return ratio(self.doubles, self.conversions)

    @property
    def gap(self) -> float | None:
        """Of the sales that a page reported a day or more ago, those that the network has not."""
        return ratio(self.unreported, self.expected)

    @property
    def retries(self) -> float | None:
        """Of the deliveries that were tried, those that were tried more than once."""
        return ratio(self.retried, self.tried)

    def delay(self, share: float) -> int | None:
        """The delay in whole seconds that this share of the accepted does not exceed (nearest rank)."""
        left = ceil(share * self.delays.total())
        for seconds in sorted(self.delays):
            left -= self.delays[seconds]
            if left <= 0:
                return seconds
        return None

    def __add__(self, other: "Figures") -> "Figures":
        """Both together; a new object."""
        return Figures(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})

    @property
    def unheard(self) -> int:
        """Of the conversions due on both legs, those whose browser never said what became of the Pixel."""
        return self.both_legs - self.fired - self.blocked

    def coverage(self, identifier: str) -> float | None:
        """Of those due, the share that carries the identifier: ttclid, ttp, browser, email, phone, external_id."""
        return ratio(self.identified[identifier], self.due)


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
