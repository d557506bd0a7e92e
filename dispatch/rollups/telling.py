"""What is counted of the way to TikTok: of a half-hour of an offer, for each pixel."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from conversions.models import Sighting
from conversions.visitor import visitor_ip
from dispatch.models import Delivery
from dispatch.reasons import Reason
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.promises import Promise
from dispatch.rollups.reported import Reported

Status = Delivery.Status
DUE = ("accepted", "waiting", "dead", "discarded")
WITH_REASON = ("dead", "held", "suppressed")
COUNTS = (*DUE, "held", "suppressed", "tried", "retried", "both_legs", "fired", "blocked")
IDENTIFIERS = ("ttclid", "ttp", "browser", "email", "phone", "external_id")
OF_TELLING = (*COUNTS, *(f"with_{name}" for name in IDENTIFIERS))


@dataclass
class Told:
    """The sums of one pixel. `oldest_click` is of those due: how old what they were matched by is at the most."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    delays: Counter[int] = field(default_factory=Counter)
    oldest_click: datetime | None = None

    def columns(self) -> dict[str, Any]:
        """As they are stored; keys of JSON are text."""
        delays = {str(seconds): count for seconds, count in sorted(self.delays.items())}
        reasons = dict(sorted(self.reasons.items()))
        return {**{name: self.counts[name] for name in OF_TELLING}, "reasons": reasons, "delays": delays}


def told_by_pixel(bucket: Bucket, conversions: Mapping[int, Reported], promises: list[Promise]) -> dict[int, Told]:
    """By the deliveries' pixels."""
    found: dict[int, Told] = defaultdict(Told)
    both_legs = bucket.on_both_legs
    for promise in promises:
        conversion = conversions.get(promise.conversion)
        if conversion is None:  # it was recorded after they were read, which left a mark
            continue
        add(found[promise.pixel], promise, conversion, bucket)
        if standing(promise) in DUE and conversion.event_name in both_legs:
            add_legs(found[promise.pixel], promise, conversion)
    return found


def standing(promise: Promise) -> str:
    """The column that it is counted in."""
    if promise.status == Status.LEASED:
        return Status.WAITING
    is_open = promise.status == Status.HELD and promise.reason == Reason.OUTCOME_UNKNOWN
    return Status.WAITING if is_open else promise.status


def add(told: Told, promise: Promise, conversion: Reported, bucket: Bucket) -> None:
    column = standing(promise)
    told.counts[column] += 1
    if column in WITH_REASON:
        told.reasons[promise.reason] += 1
    if column == Status.ACCEPTED and promise.accepted_at:
        told.delays[int((promise.accepted_at - conversion.created_at).total_seconds() // 1)] += 1
    if column in DUE:
        told.counts["tried"] += promise.tries > 0
        told.counts["retried"] += promise.own_tries > 1
        told.counts.update(identifiers(conversion, bucket))
        told.oldest_click = min(told.oldest_click or conversion.clicked_at, conversion.clicked_at)


def identifiers(conversion: Reported, bucket: Bucket) -> list[str]:
    """The identifiers that TikTok is told, as the payload has them."""
    offer = bucket.offer
    told = {
        "with_ttclid": conversion.has_ttclid,
        "with_ttp": conversion.has_ttp,
        "with_browser": conversion.has_agent and bool(visitor_ip(conversion.ip)),
        "with_email": conversion.has_email and offer.send_email,
        "with_phone": conversion.has_phone and offer.send_phone,
        "with_external_id": offer.send_external_id,
    }
    return [name for name, is_told in told.items() if is_told]


def add_legs(told: Told, promise: Promise, conversion: Reported) -> None:
    """What the Pixel was to tell, too: what a page has called, and the first event of its name on the click."""
    has_called = conversion.page_called or conversion.is_by_page
    if not has_called and conversion.occurrence_key:
        return
    told.counts["both_legs"] += 1
    told.counts["fired"] += Sighting.Outcome.FIRED in promise.seen
    told.counts["blocked"] += promise.seen == {Sighting.Outcome.BLOCKED}
