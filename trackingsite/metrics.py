"""The numbers of /metrics, in Prometheus' names and units. docs/operations.md lists them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dispatch.models import Credential
from dispatch.tiktok.codes import Verdict
from offers.models import Pixel
from trackingsite import disks
from trackingsite.vitals import (
    QUEUED,
    WITH_REASON,
    PixelVitals,
    Vitals,
    breaker_state,
    vitals,
    wakeups,
)

Sample = tuple[tuple[str, ...], float]
State = Credential.State
PIXEL = ("pixel", "name")
CREDENTIAL_STATES = [State.ACTIVE, State.RETIRING, State.STAGED]
BREAKER_STATES = ["closed", "open", "half-open"]


def text() -> bytes:
    """All metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(Site())
    return generate_latest(registry)


class Site(Collector):
    """The site's metrics at this moment. Counters come from the database too, so every web process tells the same."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        state = vitals.get()
        yield from surroundings(state is not None)
        if state:
            for family in FAMILIES:
                yield family.metric(family.read(state))


def surroundings(database_is_up: bool) -> Iterator[Metric]:
    """What can be told without a database."""
    queued = wakeups.get()
    engine = [((connection.vendor,), 1.0)]
    free = {name: disks.free_bytes(folder) for name, folder in disks.folders().items()}
    yield DATABASE_UP.metric([((), float(database_is_up))])
    yield DATABASE_INFO.metric(engine)
    yield DISK_FREE.metric([((name,), float(count)) for name, count in free.items() if count is not None])
    yield QUEUE_UP.metric([((), float(queued is not None))])
    if queued is not None:
        yield WAKEUPS.metric([((), float(queued))])


@dataclass(frozen=True)
class Family:
    """One metric: its name, what it means in a sentence, and where its samples come from."""

    name: str
    help: str
    read: Callable[[Vitals], Iterable[Sample]] = lambda state: ()
    labels: tuple[str, ...] = ()
    is_counter: bool = False

    def metric(self, samples: Iterable[Sample]) -> Metric:
        kind = CounterMetricFamily if self.is_counter else GaugeMetricFamily
        metric = kind(f"trackingsite_{self.name}", self.help, labels=self.labels)
        for labels, value in samples:
            metric.add_metric(labels, value)
        return metric


def one(read: Callable[[Vitals], float]) -> Callable[[Vitals], Iterable[Sample]]:
    """The one sample of a metric without labels."""
    return lambda state: [((), read(state))]


def each(read: Callable[[PixelVitals, Vitals], float]) -> Callable[[Vitals], Iterable[Sample]]:
    """One sample of every pixel."""
    return lambda state: [(name_of(row), read(row, state)) for row in state.pixels]


def many(read: Callable[[PixelVitals, Vitals], Iterable[Sample]]) -> Callable[[Vitals], Iterable[Sample]]:
    """Several samples of every pixel, told apart by further labels."""
    return lambda state: [((*name_of(row), *more), value) for row in state.pixels for more, value in read(row, state)]


def name_of(row: PixelVitals) -> tuple[str, str]:
    return row.pixel.code, row.pixel.name


def queue(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    return [((status,), row.count(status)) for status in QUEUED]


def reasons(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    return [(key, count) for key, count in row.queue.items() if key[0] in WITH_REASON]


def requests(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    """Zeros included, so that the first of a kind is an increase."""
    counted = {tally.verdict: tally.requests for tally in row.pixel.tallies.all()}
    return [((verdict,), counted.get(verdict, 0)) for verdict in Verdict.values]


def deliveries(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    counted = {tally.verdict: tally.deliveries for tally in row.pixel.tallies.all()}
    return [((verdict,), counted.get(verdict, 0)) for verdict in Verdict.values]


def breaker(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    now = breaker_state(row.lane, state.now)
    return [((name,), float(name == now)) for name in BREAKER_STATES]


def resting(row: PixelVitals, state: Vitals) -> float:
    until = row.lane.rest_until
    return max(0.0, (until - state.now).total_seconds()) if until else 0.0


def paused(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    reasons_to_pause = [by for by in Pixel.PausedBy.values if by]
    return [((by,), float(row.pixel.paused_by == by)) for by in reasons_to_pause]


def credentials(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    return [((name,), len(row.credentials(name))) for name in CREDENTIAL_STATES]


def credential_ages(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    """Of the oldest in each state."""
    for name in CREDENTIAL_STATES:
        begun = [credential.activated_at or credential.created_at for credential in row.credentials(name)]
        if begun:
            yield (name,), state.age(min(begun))


def credentials_refused(row: PixelVitals, state: Vitals) -> Iterable[Sample]:
    for name in CREDENTIAL_STATES:
        if found := row.credentials(name):
            yield (name,), float(any(credential.is_refused for credential in found))


def heartbeats(state: Vitals) -> Iterable[Sample]:
    return [((heart.cluster,), state.age(heart.beat_at)) for heart in state.heartbeats]


def restarts(state: Vitals) -> Iterable[Sample]:
    return [((heart.cluster,), heart.restarts) for heart in state.heartbeats]


DATABASE_UP = Family("database_up", "Whether the database answers; what is read from it is missing if not.")
DATABASE_INFO = Family("database_info", "Which kind of database is in use.", labels=("engine",))
DISK_FREE = Family("disk_free_bytes", "Free space where the site itself writes.", labels=("folder",))
QUEUE_UP = Family("wakeup_queue_up", "Whether the queue of the workers, in Redis or in the database, answers.")
WAKEUPS = Family("wakeups_queued", "Tasks that wait for a worker.")

FAMILIES = [
    Family(
        "oldest_due_age_seconds",
        "How long the oldest due delivery has waited, of those that could be sent now.",
        one(lambda state: state.oldest_due(kept_back=False)),
    ),
    Family(
        "oldest_kept_back_age_seconds",
        "How long the oldest due delivery has waited, of those that a pause or a missing credential keeps back.",
        one(lambda state: state.oldest_due(kept_back=True)),
    ),
    Family(
        "pixel_oldest_due_age_seconds",
        "How long the pixel's oldest due delivery has waited; 0 while the pixel is kept back.",
        each(lambda row, state: 0.0 if row.is_kept_back else state.age(row.due_since)),
        PIXEL,
    ),
    Family(
        "pixel_oldest_kept_back_age_seconds",
        "How long the oldest due delivery of a pixel that is paused or has no credential has waited, else 0.",
        each(lambda row, state: state.age(row.due_since) if row.is_kept_back else 0.0),
        PIXEL,
    ),
    Family("queue_deliveries", "Deliveries that are not finished, by state.", many(queue), (*PIXEL, "state")),
    Family(
        "queue_reason_deliveries",
        "Held and dead deliveries by their reason.",
        many(reasons),
        (*PIXEL, "state", "reason"),
    ),
    Family("tiktok_requests", "Requests to TikTok by verdict.", many(requests), (*PIXEL, "verdict"), is_counter=True),
    Family(
        "tiktok_deliveries",
        "Deliveries in requests to TikTok by verdict.",
        many(deliveries),
        (*PIXEL, "verdict"),
        is_counter=True,
    ),
    Family(
        "lease_expiries",
        "Deliveries taken back from workers that died or hung.",
        each(lambda row, state: row.lane.lease_expiries),
        PIXEL,
        is_counter=True,
    ),
    Family(
        "breaker_state",
        "Whether the breaker is in the state; half-open means that one probe may go.",
        many(breaker),
        (*PIXEL, "state"),
    ),
    Family(
        "pace_ratio",
        "The share of the allowed rate that is in use; below 1 after trouble or a pause.",
        each(lambda row, state: row.lane.pace_at(state.now)),
        PIXEL,
    ),
    Family("resting_seconds", "For how much longer TikTok wants no requests.", each(resting), PIXEL),
    Family(
        "pixel_paused",
        "Whether the pixel is paused: by auth when TikTok refused its credential, or by staff.",
        many(paused),
        (*PIXEL, "by"),
    ),
    Family("credentials", "Credentials that are not revoked, by state.", many(credentials), (*PIXEL, "state")),
    Family(
        "credential_age_seconds",
        "The time since the oldest credential in the state was activated, or staged.",
        many(credential_ages),
        (*PIXEL, "state"),
    ),
    Family(
        "credential_refused",
        "Whether TikTok's last word on a credential in the state was a refusal.",
        many(credentials_refused),
        (*PIXEL, "state"),
    ),
    Family(
        "heartbeat_age_seconds",
        "The time since a cluster of workers last showed that it gets tasks done.",
        heartbeats,
        ("cluster",),
    ),
    Family(
        "cluster_restarts",
        "How often a cluster of workers had to be started again because it did nothing any more.",
        restarts,
        ("cluster",),
        is_counter=True,
    ),
    Family("undigested_postbacks", "Postbacks that wait to be digested.", one(lambda state: state.undigested)),
    Family(
        "oldest_undigested_postback_age_seconds",
        "How long the oldest undigested postback has been due.",
        one(lambda state: state.age(state.undigested_since)),
    ),
    Family("unmatched_postbacks", "Postbacks that wait for their click.", one(lambda state: state.unmatched)),
    Family(
        "unplanned_conversions",
        "Conversions of which it is not decided yet whether TikTok is told.",
        one(lambda state: state.unplanned),
    ),
]
