"""Can this process do its work, and does anything need a person? Each answer has a code and says what to do."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from dispatch.models.heartbeat import STALL
from dispatch.standing import LATE
from offers.models import Pixel
from trackingsite import disks
from trackingsite.checks import MAKE_STATE_WRITABLE, NO_STATE
from trackingsite.patience import Kept, in_time
from trackingsite.vitals import PixelVitals, Vitals, breaker_state, vitals, wakeups

LEAST_FREE_BYTES = 50_000_000


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: a code for machines, and what a person should do."""

    code: str
    message: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


class Migrations:
    """Whether the database has every table. Looked up until it is so, as that takes a while."""

    def __init__(self) -> None:
        self.are_applied = False

    def missing(self) -> int:
        if self.are_applied:
            return 0
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        self.are_applied = not waiting
        return len(waiting)


migrations = Migrations()


def obstacle() -> Finding | None:
    """Why this process must get no traffic; None when it may."""
    return next(filter(None, (check() for check in OBSTACLES)), None)


def look_at_database() -> Finding | None:
    try:
        with in_time():
            missing = migrations.missing()
            if not missing and is_read_only():
                return Finding("database_read_only", "The database takes no writes. Look at its server or its file.")
    except Error:
        return DATABASE_AWAY
    if missing:
        return Finding("migrations_missing", f"{missing} migrations are not applied. Run: manage.py migrate")
    return None


def is_read_only() -> bool:
    """Whether nothing could be stored. Asks the database in any case, and raises django.db.Error without one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
        if connection.vendor == "postgresql":
            cursor.execute("SHOW transaction_read_only")  # also on in a standby
            return bool(cursor.fetchone()[0] == "on")
    file = disks.database_file()
    # SQLite writes its log beside the file.
    return file is not None and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def disk() -> Finding | None:
    for name, folder in disks.folders().items():
        free = disks.free_bytes(folder) if os.access(folder, os.W_OK) else None
        if free is not None and free < LEAST_FREE_BYTES:
            message = f"Only {free // 1_000_000} MB are free in the {name} folder, so nothing more can be stored soon."
            return Finding("disk_full", f"{message} Free some space.")
    return None


DATABASE_AWAY = Finding("database_away", "The database does not answer. Look at its server and at DATABASE_URL.")
# Asked anew each time, by one thread: while it hangs with the database, the others need not.
database: Kept[Finding | None] = Kept(look_at_database, unknown=DATABASE_AWAY, keep_seconds=0.0, stale_seconds=0.0)
OBSTACLES: list[Callable[[], Finding | None]] = [database.get, disk]


def warnings() -> list[Finding]:
    """What needs a person while traffic may go on; at most some seconds old."""
    state = vitals.get()
    found = [finding for check in WARNINGS for finding in check(state)] if state else [FIGURES_AWAY]
    return [*found, *queue_away(), *state_folder(), *silent_disks()]


FIGURES_AWAY = Finding(
    "figures_away",
    "The database does not tell how the site is, or takes too long. Look at its load, its locks and its logs.",
)


def late(state: Vitals) -> Iterator[Finding]:
    deliveries, postbacks = state.oldest_due(kept_back=False), state.age(state.undigested_since)
    if deliveries > LATE.total_seconds():
        words = f"The oldest delivery has been due for {minutes(deliveries)}. See why on its page in the admin."
        yield Finding("deliveries_late", f"{words} If the workers are stopped, start them: manage.py run_workers")
    if postbacks > LATE.total_seconds():
        words = f"The oldest postback has waited to be digested for {minutes(postbacks)}."
        yield Finding("postbacks_late", f"{words} If the workers are stopped, start them: manage.py run_workers")


def silent_workers(state: Vitals) -> Iterator[Finding]:
    ages = [state.age(heart.beat_at) for heart in state.heartbeats]
    if not ages or min(ages) > STALL.total_seconds():
        words = "No cluster of workers gives a sign of life, so nothing is digested or sent."
        yield Finding("workers_silent", f"{words} Start one: manage.py run_workers")


def pixels(state: Vitals) -> Iterator[Finding]:
    for row in state.pixels:
        yield from pixel_findings(row, state)


def pixel_findings(row: PixelVitals, state: Vitals) -> Iterator[Finding]:
    pixel = row.pixel
    if pixel.paused_by == Pixel.PausedBy.AUTH:
        words = f"TikTok refused the credential of {pixel}, so it is paused and its queue is kept."
        yield Finding("pixel_paused_by_auth", f"{words} Rotate the credential in the admin.")
    elif any(credential.is_refused for credential in row.credentials("active")):
        words = f"TikTok refuses the active credential of {pixel}."
        yield Finding("credential_refused", f"{words} Rotate it in the admin.")
    if breaker_state(row.lane, state.now) != "closed":
        words = f"Requests for {pixel} fail, so only single probes are made until TikTok answers again."
        yield Finding("breaker_open", f"{words} Look at the last attempts in the admin, and at TikTok's status.")


def schedules(state: Vitals) -> Iterator[Finding]:
    if state.bad_schedules:
        names = ", ".join(state.bad_schedules[:5])
        words = f"The table of schedules has rows that are not the site's: {names}. Nothing runs them."
        yield Finding("bad_schedules", f"{words} Find out who made them, and delete them.")


def queue_away() -> Iterator[Finding]:
    if wakeups.get() is None:
        words = "The queue of the workers does not answer, so they get no work."
        yield Finding("queue_away", f"{words} Look at Redis and at REDIS_URL, or at the database.")


def state_folder() -> Iterator[Finding]:
    path = disks.unwritable_state()
    if path:
        yield Finding("state_unwritable", f"{path} can't be written to: {NO_STATE} {MAKE_STATE_WRITABLE}")


def silent_disks() -> Iterator[Finding]:
    for name, folder in disks.folders().items():
        if disks.free_bytes(folder) is None:
            words = f"The disk of the {name} folder, {folder}, does not tell how much is free."
            yield Finding("disk_unknown", f"{words} See whether it is broken or gone.")


def minutes(seconds: float) -> str:
    return f"{seconds / 60:,.0f} minutes"


WARNINGS: list[Callable[[Vitals], Iterator[Finding]]] = [late, silent_workers, pixels, schedules]
