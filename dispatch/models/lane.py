from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Greatest

from offers.models import Pixel

BURST_SECONDS = 0.01  # how far sending may run ahead of an even spacing
EVENTS_AT_ONCE_SECONDS = 0.2  # the share of a second's events that one request may hold
SLOWEST_PACE = 1 / 64
GENTLE_PACE = 1 / 8  # after a pause or an outage, when a long queue is waiting
PACE_DOUBLES_IN = timedelta(seconds=60)
FAILURES_TO_TRIP = 10
FAILURES_A_SUCCESS_FORGIVES = 2  # so it trips when more than two of three requests fail
FORGIVEN_AFTER = timedelta(minutes=5)
PROBE_PAUSES = [timedelta(seconds=seconds) for seconds in (10, 20, 30)]
PROBE_LEASE = timedelta(seconds=60)  # a probe whose worker died is followed by another one after this
PROBE_EVENTS = 5


@dataclass(frozen=True)
class Rates:
    """How fast one pixel may be sent to at this moment; None where nothing limits it."""

    requests_per_second: float | None
    events_per_second: float | None

    @property
    def events_at_once(self) -> int | None:
        """The most events that one request may hold under the cap of events."""
        if self.events_per_second is None:
            return None
        return max(1, int(self.events_per_second * EVENTS_AT_ONCE_SECONDS))


class LaneQuerySet(models.QuerySet["Lane"]):
    def closed(self, now: datetime) -> "LaneQuerySet":
        """Lanes that nobody may enter now: TikTok wants rest, or the breaker is open."""
        return self.filter(Q(rest_until__gt=now) | Q(trips__gt=0, probe_at__gt=now))

    def open(self, now: datetime) -> "LaneQuerySet":
        """The others; of a tripped lane one probe may be let in."""
        rested = Q(rest_until=None) | Q(rest_until__lte=now)
        return self.filter(rested, Q(trips=0) | Q(probe_at__lte=now))

    def of(self, pixel_id: int) -> "Lane":
        """The lane of a pixel, with the pixel; made when it has none yet."""
        lanes = self.filter(pixel_id=pixel_id).select_related("pixel")
        lane = lanes.first()
        if lane is None:
            self.get_or_create(pixel_id=pixel_id)
            lane = lanes.get()
        return lane

    def admit(self, lane: "Lane", requests: int, events: int, now: datetime) -> bool:
        """Take the place of so many requests with so many events in all; False when there is none.

        GCRA in one conditional UPDATE: right across workers and hosts, and without a database nobody is admitted.
        Of a tripped lane only one probe at a time is let in.
        """
        at, rates = now.timestamp(), lane.rates(now)
        # Not a join, which would put every condition into a subquery that PostgreSQL does not ask again after a wait.
        is_sending = Exists(Pixel.objects.sending().filter(pk=OuterRef("pixel_id")))
        free = self.open(now).filter(is_sending, pk=lane.pk, trips=lane.trips)
        changes: dict[str, object] = {"probe_at": now + PROBE_LEASE} if lane.trips else {}
        if rates.requests_per_second:
            ahead = (requests - 1) / rates.requests_per_second
            free = free.filter(next_request__lte=at + BURST_SECONDS - ahead)
            changes["next_request"] = Greatest(F("next_request"), Value(at)) + requests / rates.requests_per_second
        if rates.events_per_second:
            free = free.filter(next_event__lte=at + BURST_SECONDS)
            changes["next_event"] = Greatest(F("next_event"), Value(at)) + events / rates.events_per_second
        return free.update(**changes) == 1 if changes else free.exists()

    def refund(self, lane: "Lane", requests: int, events: int, now: datetime) -> None:
        """Give back what was admitted and not sent; a probe that was not made leaves its place to the next one."""
        rates, changes = lane.rates(now), {}
        if rates.events_per_second and events:
            changes["next_event"] = F("next_event") - events / rates.events_per_second
        if rates.requests_per_second and requests:
            changes["next_request"] = F("next_request") - requests / rates.requests_per_second
        if changes:
            self.filter(pk=lane.pk).update(**changes)
        if requests:
            self.end_probe(lane, now)

    def end_probe(self, lane: "Lane", now: datetime) -> None:
        """A probe that was not made, or says nothing of TikTok's health, leaves its place to the next one."""
        if lane.trips:
            self.filter(pk=lane.pk, trips=lane.trips).update(probe_at=now)

    def note_success(self, lane: "Lane", now: datetime) -> None:
        """TikTok works: failures are forgiven, and a probe closes the breaker. `lane` is as it was on admission."""
        rows = self.filter(pk=lane.pk, trips=lane.trips)
        if lane.trips:
            pace = min(GENTLE_PACE, lane.pace_at(now))
            rows.update(trips=0, failures=0, probe_at=None, pace=pace, paced_at=now, succeeded_at=now)
        elif lane.failures:
            left = Greatest(F("failures"), Value(FAILURES_A_SUCCESS_FORGIVES)) - FAILURES_A_SUCCESS_FORGIVES
            rows.update(failures=left, succeeded_at=now)

    def note_failure(self, lane: "Lane", message: str, now: datetime) -> None:
        """TikTok does not work; too much of that trips the breaker, and a probe that fails keeps it open for longer."""
        rows = self.filter(pk=lane.pk, trips=lane.trips)
        if lane.trips:
            rows.update(trips=F("trips") + 1, probe_at=now + lane.next_pause, failed_at=now, last_failure=message[:300])
            return
        fresh = When(failed_at__gt=now - FORGIVEN_AFTER, then=F("failures") + 1)
        rows.update(failures=Case(fresh, default=Value(1)), failed_at=now, last_failure=message[:300])
        rows.filter(failures__gte=FAILURES_TO_TRIP).update(trips=1, tripped_at=now, probe_at=now + PROBE_PAUSES[0])

    def probe_now(self, lane: "Lane", now: datetime) -> bool:
        """Let the next probe go at once; False when another one or a success came first. `lane` is as it was shown."""
        rows = self.filter(pk=lane.pk, trips=lane.trips, trips__gt=0, probe_at=lane.probe_at)
        return rows.update(probe_at=now) == 1

    def slow_down(self, lane: "Lane", until: datetime, now: datetime) -> None:
        """TikTok wants rest: none is sent until then, and half as fast afterwards, however many requests it refused."""
        rows = self.filter(pk=lane.pk)
        pace = max(lane.pace_at(now) / 2, SLOWEST_PACE)
        awake = rows.filter(Q(rest_until=None) | Q(rest_until__lte=now))
        if not awake.update(rest_until=until, pace=pace, paced_at=until):
            rows.filter(rest_until__lt=until).update(rest_until=until, paced_at=until)

    def note_expiries(self, pixel_id: int, count: int) -> None:
        """Count leases that nobody settled, for operators."""
        self.get_or_create(pixel_id=pixel_id)
        self.filter(pixel_id=pixel_id).update(lease_expiries=F("lease_expiries") + count)


class Lane(models.Model):
    """The way to one pixel, shared by every worker on every host: how fast, and whether at all."""

    pixel = models.OneToOneField(Pixel, models.CASCADE, primary_key=True, related_name="lane")
    next_request = models.FloatField(
        default=0.0, db_default=0.0, help_text="GCRA's theoretical arrival time, in Unix seconds."
    )
    next_event = models.FloatField(default=0.0, db_default=0.0, help_text="The same for the cap of events.")
    pace = models.FloatField(
        default=1.0, db_default=1.0, help_text="The share of the allowed rate in use when `paced_at` was set."
    )
    paced_at = models.DateTimeField(null=True, blank=True)
    rest_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Requests failed lately, less those forgiven."
    )
    failed_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True, help_text="The last success that forgave failures.")
    last_failure = models.CharField(max_length=300, blank=True, default="", db_default="")
    trips = models.PositiveIntegerField(
        default=0, db_default=0, help_text="0 while the breaker is closed; then probes failed, plus 1."
    )
    tripped_at = models.DateTimeField(null=True, blank=True)
    probe_at = models.DateTimeField(null=True, blank=True)
    lease_expiries = models.PositiveBigIntegerField(default=0, db_default=0)

    objects = LaneQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Lane to {self.pixel}"

    @property
    def is_tripped(self) -> bool:
        """Whether the breaker is open, or half open for a probe."""
        return self.trips > 0

    @property
    def is_troubled(self) -> bool:
        """Whether TikTok fails lately: then one request at a time is enough for a worker."""
        return self.failures > 0 or self.trips > 0

    @property
    def failed_last(self) -> bool:
        """Whether no request has succeeded since the last one that failed."""
        if not self.failures or self.failed_at is None:
            return False
        return self.succeeded_at is None or self.succeeded_at < self.failed_at

    @property
    def next_pause(self) -> timedelta:
        """How long it stays open when the next probe fails, too."""
        return PROBE_PAUSES[min(self.trips, len(PROBE_PAUSES) - 1)]

    def seconds_to_wait(self, now: datetime) -> float:
        """How long the caps let nothing through; 0 when they do now, or don't hold it back."""
        rates = self.rates(now)
        times = [
            self.next_request if rates.requests_per_second else 0,
            self.next_event if rates.events_per_second else 0,
        ]
        return max(0.0, max(times) - BURST_SECONDS - now.timestamp())

    def requests_now(self, now: datetime, most: int) -> int:
        """How many requests, up to `most`, it is worth asking to be admitted with: what the caps allow by now."""
        rates, at = self.rates(now), now.timestamp() + BURST_SECONDS
        if rates.events_per_second and self.next_event > at:
            return 0
        if self.is_troubled or rates.events_per_second:
            most = min(most, 1)
        if rates.requests_per_second:
            behind = at - max(self.next_request, now.timestamp())
            most = min(most, int(behind * rates.requests_per_second) + 1 if behind >= 0 else 0)
        return most

    def pace_at(self, now: datetime) -> float:
        """The share of the allowed rate that may be used now: it doubles every minute until it is whole again."""
        slowed = grown(self.pace, self.paced_at, now)
        resumed = self.pixel.resumed_at
        return min(slowed, grown(GENTLE_PACE, resumed, now)) if resumed else slowed

    def rates(self, now: datetime) -> Rates:
        """The caps of the pixel, or of the site, at the present pace."""
        pace = self.pace_at(now)
        requests = float(self.pixel.max_requests_per_second or settings.TIKTOK_REQUESTS_PER_SECOND)
        events = float(self.pixel.max_events_per_second or 0)
        return Rates(requests * pace or None, events * pace or None)

    def events_at_once(self, now: datetime) -> int:
        """The most events that the next request may hold."""
        limits = [settings.TIKTOK_BATCH_SIZE, self.rates(now).events_at_once, PROBE_EVENTS if self.trips else None]
        return min(limit for limit in limits if limit)


def grown(pace: float, since: datetime | None, now: datetime) -> float:
    """A pace that has doubled since then at every turn of PACE_DOUBLES_IN; 1 at most."""
    if since is None or pace >= 1:
        return 1.0
    doublings = max(0.0, (now - since) / PACE_DOUBLES_IN)
    return 1.0 if doublings > 10 else min(1.0, float(pace * 2**doublings))
