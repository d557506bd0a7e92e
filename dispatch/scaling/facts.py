"""What a decision is made from: plain data, so that every rule can be tried without a database."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dispatch.findings.finding import Finding
from dispatch.health.figures import Figures, ratio

LONG_AGO = datetime.min.replace(tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = timedelta(hours=72)
ENOUGH = 20  # accepted events of the span; fewer say nothing about what more spend would do
MANY = 50
CLEAN_FOR_MANY, CLEAN_FOR_FEW = timedelta(hours=48), SPAN
DATA_FOR = timedelta(hours=48)
DEAD_SHARE = 0.01
JOINED_SHARE = 0.97


class Trait(StrEnum):
    """What an offer uses; a rule about anything else does not count against it."""

    SERVER = "server"
    POSTBACKS = "postbacks"


@dataclass(frozen=True)
class Hour:
    """What became of what was recorded in one hour: of one offer, and of the postbacks of its network."""

    starts_at: datetime = LONG_AGO
    accepted: int = 0
    lost: int = 0
    both_legs: int = 0
    fired: int = 0
    conversions: int = 0
    doubles: int = 0
    joined: int = 0
    unusable: int = 0

    def __add__(self, other: "Hour") -> "Hour":
        return Hour(self.starts_at, *(mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)))

    @property
    def counts(self) -> tuple[int, ...]:
        told = (self.accepted, self.lost, self.both_legs, self.fired)
        return (*told, self.conversions, self.doubles, self.joined, self.unusable)

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + HOUR

    @property
    def acceptance(self) -> float | None:
        return ratio(self.accepted, self.accepted + self.lost)

    @property
    def match(self) -> float | None:
        return ratio(self.fired, self.both_legs)

    @property
    def duplicates(self) -> float | None:
        return ratio(self.doubles, self.conversions)

    @property
    def said(self) -> int:
        """Postbacks that speak of a sale, or should."""
        return self.joined + self.unusable

    @property
    def joining(self) -> float | None:
        """Of these, the share that found its click and was understood."""
        return ratio(self.joined, self.said)


@dataclass(frozen=True)
class Facts:
    """What is known of one offer at `now`; `hours` and `sums` are those of the last 72 hours, the oldest first."""

    now: datetime
    is_active: bool = True
    has_rules: bool = True
    is_full: bool = False
    traits: frozenset[Trait] = frozenset(Trait)
    findings: list[Finding] = field(default_factory=list)
    hours: list[Hour] = field(default_factory=list)
    sums: Figures = field(default_factory=Figures)
    data_since: datetime | None = None
    page: str = ""

    @property
    def cases(self) -> int:
        """How many events there are to judge by: those that TikTok took, or of the Pixel alone all that happened."""
        return self.sums.accepted if Trait.SERVER in self.traits else self.sums.conversions
