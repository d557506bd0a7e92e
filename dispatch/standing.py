"""Why a pixel's queue stands still or is slow at this moment: as data, in words."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, TextChoices
from django.utils.html import strip_tags

from dispatch.models import Credential, Delivery, Lane
from dispatch.models.lane import GENTLE_PACE, PACE_DOUBLES_IN, PROBE_EVENTS, grown
from dispatch.rates import events_per_second, own_cap, usual_rate
from dispatch.wording import COUNT_LIMIT, at, in_words, quoted, share
from offers.models import Pixel

LATE = timedelta(minutes=5)
A_MOMENT = timedelta(minutes=1)  # what is due for longer than this is a queue


class Code(TextChoices):
    """What a pixel's sending can be like, the worst first."""

    REFUSED = "refused", "TikTok refused the credential"
    NO_CREDENTIAL = "no_credential", "No credential"
    PAUSED = "paused", "Paused by staff"
    FAILING = "failing", "TikTok fails"
    PROBING = "probing", "Trying TikTok again"
    RESTING = "resting", "Resting for TikTok"
    STALLED = "stalled", "No worker sends"
    SLOWED = "slowed", "Slowed down"
    GENTLE = "gentle", "Starting gently"
    CAPPED = "capped", "Capped"
    BUSY = "busy", "Long queue"
    SENDING = "sending", "Sending"


TONES = {
    Code.REFUSED: "bad",
    Code.NO_CREDENTIAL: "bad",
    Code.PAUSED: "warn",
    Code.FAILING: "bad",
    Code.PROBING: "warn",
    Code.RESTING: "warn",
    Code.STALLED: "bad",
    Code.SLOWED: "warn",
    Code.GENTLE: "busy",
    Code.CAPPED: "busy",
    Code.BUSY: "busy",
    Code.SENDING: "good",
}
STILL = {Code.REFUSED, Code.NO_CREDENTIAL, Code.PAUSED, Code.FAILING, Code.PROBING, Code.RESTING, Code.STALLED}


@dataclass(frozen=True)
class Standing:
    """One reason, with what to do about it in its words; tones are those of the admin's badges."""

    code: str
    tone: str
    title: str
    words: str
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_still(self) -> bool:
        """Whether nothing at all is sent meanwhile."""
        return self.code in STILL

    def ends_before(self, moment: datetime | None) -> bool:
        """Whether it is over by itself by then."""
        return bool(self.until and moment and self.until < moment)


@dataclass(frozen=True)
class Sight:
    """What is known of a pixel at one moment."""

    pixel: Pixel
    lane: Lane
    has_credential: bool
    due_since: datetime | None
    due_count: int | None
    now: datetime

    @property
    def is_moving(self) -> bool:
        """Whether a worker was let in lately; always False where no cap of requests is kept."""
        last = max(self.lane.next_request, self.lane.next_event)
        return last > (self.now - A_MOMENT).timestamp()

    def waits_for(self, span: timedelta) -> bool:
        """Whether something has been due for so long."""
        return self.due_since is not None and self.now - self.due_since > span


def watched(pixels: QuerySet[Pixel], now: datetime) -> QuerySet[Any]:
    """The pixels with what `of` has to know of them; one index probe each, however long their queues are."""
    usable = Credential.objects.usable().filter(pixel=OuterRef("pk"))
    due = Delivery.objects.due(now).filter(pixel=OuterRef("pk"), is_test=False).order_by("next_attempt_at")
    oldest = Subquery(due.values("next_attempt_at")[:1])
    return pixels.select_related("lane").annotate(has_credential=Exists(usable), due_since=oldest)


def of(pixel: Any, now: datetime, due_count: int | None = None) -> Standing:
    """How sending to a pixel of `watched` stands; with the number of those due it is also said how long they take."""
    sight = Sight(pixel, lane_of(pixel), pixel.has_credential, pixel.due_since, due_count, now)
    found = (check(sight) for check in CHECKS)
    return next(filter(None, found), make(Code.SENDING, "Conversions are sent as they come in."))


def number_of(deliveries: QuerySet[Delivery]) -> int:
    """Counted no further than tells anything, and along the index of those that wait, or all would be sorted.

    Tests do not count.
    """
    count = deliveries.order_by("pixel_id", "next_attempt_at").values("next_attempt_at")[:COUNT_LIMIT].count()
    return count - deliveries.order_by().filter(is_test=True).count() if 0 < count < COUNT_LIMIT else count


def lane_of(pixel: Any) -> Lane:
    """The pixel's lane; one that was never used where there is none yet, as looking makes no rows."""
    return getattr(pixel, "lane", None) or Lane(pixel=pixel)


def make(code: Code, words: str, tone: str = "", **times: Any) -> Standing:
    return Standing(code.value, tone or TONES[code], code.label, words, **times)


def paused(sight: Sight) -> Standing | None:
    pixel = sight.pixel
    if not pixel.paused_by:
        return None
    since = f" since {at(pixel.paused_at, sight.now)}" if pixel.paused_at else ""
    reason = f" The reason: {quoted(pixel.paused_reason)}" if pixel.paused_reason else ""
    if pixel.paused_by == Pixel.PausedBy.AUTH:
        words = (
            f"Nothing has been sent{since}.{reason} The queue is kept. Rotate the credential: the pixel resumes by "
            "itself when one that works is promoted. Compare the pixel's code with that in Events Manager, too: TikTok "
            "refuses a wrong one like a wrong token."
        )
        return make(Code.REFUSED, words, since=pixel.paused_at)
    words = f"Nothing has been sent{since}.{reason} Conversions are recorded and wait until somebody resumes the pixel."
    return make(Code.PAUSED, words, since=pixel.paused_at)


def without_credential(sight: Sight) -> Standing | None:
    if sight.has_credential:
        return None
    words = (
        "Nothing can be sent from this server: what is to be sent waits until a token is pasted, tested and promoted."
    )
    is_harmless = sight.due_since is None  # as for offers that tell TikTok from the browser only
    return make(Code.NO_CREDENTIAL, words, tone="calm" if is_harmless else "")


def failing(sight: Sight) -> Standing | None:
    """The breaker is open, or half open while it is tried whether TikTok works again."""
    lane, now = sight.lane, sight.now
    if not lane.is_tripped:
        return None
    said = f" The last failure: {quoted(strip_tags(lane.last_failure))}" if lane.last_failure else ""
    head = f"Requests to TikTok have failed since {at(lane.tripped_at or now, now)}.{said} {probes_failed(lane)}"
    tail = "Nothing is lost, and sending goes on by itself when TikTok takes what is sent as a probe."
    next_at = next_probe(lane, now)
    if next_at is None:
        words = f"{head} The next probe is under way, or goes out with the next delivery that is due. {tail}"
        return make(Code.PROBING, words, since=lane.tripped_at)
    words = f"{head} The next one, with up to {PROBE_EVENTS} deliveries, goes out at {at(next_at, now)}. {tail}"
    return make(Code.FAILING, words, since=lane.tripped_at, until=next_at)


def probes_failed(lane: Lane) -> str:
    count = lane.trips - 1
    return f"{count} probe{'' if count == 1 else 's'} failed as well." if count else "No probe has been made yet."


def next_probe(lane: Lane, now: datetime) -> datetime | None:
    """When the next probe goes out; None when it is due, or under way and only its lease is on record."""
    if lane.probe_at is None or lane.failed_at is None or lane.probe_at <= now:
        return None
    planned = lane.failed_at + Lane(trips=lane.trips - 1).next_pause  # chosen before that failure was counted
    if abs(lane.probe_at - planned) > timedelta(seconds=1):
        return None
    return max(planned, lane.rest_until or planned)


def resting(sight: Sight) -> Standing | None:
    lane, now = sight.lane, sight.now
    if lane.rest_until is None or lane.rest_until <= now:
        return None
    words = (
        f"TikTok asked for rest, so nothing is sent until {at(lane.rest_until, now)}. Afterwards it goes on at "
        f"{share(lane.pace)} of full speed, twice as fast every minute. Nothing needs doing; if it happens often, "
        "give the pixel a lower cap of requests."
    )
    return make(Code.RESTING, words, until=lane.rest_until)


def slowed(sight: Sight) -> Standing | None:
    """Below full speed: because TikTok asked, or because sending has just begun again."""
    lane, now = sight.lane, sight.now
    rates = lane.rates(now)
    pace = lane.pace_at(now)
    if pace >= 1 or (rates.requests_per_second is None and rates.events_per_second is None):
        return None
    how = f"Sending goes at {share(pace)} of full speed, twice as fast every minute, and reaches full speed at"
    resumed = sight.pixel.resumed_at
    if resumed and pace < grown(lane.pace, lane.paced_at, now):
        until = whole_at(GENTLE_PACE, resumed)
        return make(Code.GENTLE, f"The pixel was resumed at {at(resumed, now)}. {how} {at(until, now)}.", until=until)
    until = whole_at(lane.pace, lane.paced_at or now)
    if lane.rest_until == lane.paced_at:
        return make(
            Code.SLOWED, f"TikTok asked for fewer requests. {how} {at(until, now)}. Nothing needs doing.", until=until
        )
    return make(Code.GENTLE, f"TikTok works again after an outage. {how} {at(until, now)}.", until=until)


def whole_at(pace: float, since: datetime) -> datetime:
    """When a pace that doubles from then on is 1."""
    return since + PACE_DOUBLES_IN * math.log2(1 / pace)


def stalled(sight: Sight) -> Standing | None:
    if not sight.waits_for(LATE) or sight.is_moving or not sight.due_since:
        return None
    words = (
        f"What is due has waited since {at(sight.due_since, sight.now)} and no worker takes it. The workers may be "
        "stopped, or busy with a long queue. Start them with: manage.py run_workers"
    )
    return make(Code.STALLED, words, since=sight.due_since)


def queued(sight: Sight) -> Standing | None:
    """More is due than can be sent at once, and it is being worked through."""
    if not sight.waits_for(A_MOMENT) or not sight.is_moving:
        return None
    lane, now = sight.lane, sight.now
    cap, per_second = own_cap(lane, now), events_per_second(lane, now)
    words = (
        f"More is due than may be sent at once. {cap}"
        if cap
        else f"A long queue is being sent. {usual_rate(lane, now)}"
    )
    code, until = Code.CAPPED if cap else Code.BUSY, None
    if sight.due_count and per_second:
        takes = timedelta(seconds=sight.due_count / per_second)
        is_sure = cap and sight.due_count < COUNT_LIMIT
        words = f"{words} What is due takes {'about' if is_sure else 'at least'} {in_words(takes)}."
        until = now + takes if is_sure else None
    return make(code, words, until=until)


CHECKS: list[Callable[[Sight], Standing | None]] = [
    paused,
    without_credential,
    failing,
    resting,
    slowed,
    stalled,
    queued,
]
