"""What django-q2 runs to keep the sums; harmless to lose and to run twice."""

from conversions.outage import leaving_a_standby
from conversions.seats import seat
from dispatch import clock
from dispatch.rollups import keeping

ROLL_UP = "dispatch.rollups.tasks.roll_up"
EVERY_SECONDS = 15.0


@leaving_a_standby()
def roll_up() -> int:
    """Bring the sums up to date for one turn; how many half-hours were made anew. One worker of a host is enough."""
    with seat("rollups", 1) as may_work:
        return keeping.roll_up(clock.now()) if may_work else 0
