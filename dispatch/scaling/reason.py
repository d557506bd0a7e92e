"""What speaks for or against more spend, as people read it."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import TextChoices

from dispatch.models import ScaleDecision

Verdict = ScaleDecision.Verdict


class Own(TextChoices):
    """Codes of reasons that are no findings; all others are those of `dispatch.findings.finding.Code`."""

    OFFER_INACTIVE = "offer_inactive", "The offer is inactive"
    NO_RULES = "no_rules", "The offer has no event rule"
    CAP_REACHED = "cap_reached", "The cap is reached"
    LOST_SHARE = "lost_share", "Too many sales that TikTok can't be told of"
    RESTLESS = "restless", "It changes too often"
    UNCONFIRMED = "unconfirmed", "The decision is not kept up to date"
    DEAD_SHARE = "dead_share", "Too many dead letters wait for a decision"
    HELD_FOR_RATE = "held_for_rate", "Sales are held for want of an exchange rate"
    FEW_EVENTS = "few_events", "Too few events to judge by"
    SHORT_DATA = "short_data", "Too short a time to judge by"
    NOT_YET_CLEAN = "not_yet_clean", "Not clean for long enough"
    CLEAN = "clean", "Clean for long enough"
    ACCEPTED = "accepted", "TikTok accepts the events"
    MATCHED = "matched", "Both legs tell the same events"
    COUNTED_ONCE = "counted_once", "Sales are counted once"
    JOINED = "joined", "Postbacks find their clicks"
    STABLE = "stable", "A sale is worth what it was"


@dataclass(frozen=True)
class Reason:
    """One reason; `speaks` is the verdict that it asks for: hold or watch against more spend, raise for it."""

    code: str
    title: str
    words: str
    speaks: str
    value: str = ""
    target: str = ""
    link: str = ""

    @property
    def is_against(self) -> bool:
        return self.speaks != Verdict.RAISE

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def own(code: Own, speaks: Verdict, words: str, value: str = "", target: str = "", link: str = "") -> Reason:
    return Reason(code.value, str(code.label), words, speaks.value, value, target, link)
