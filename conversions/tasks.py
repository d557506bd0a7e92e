"""What django-q2 runs for this app. Every task is harmless to lose and to run twice."""

import time

from conversions import clock
from conversions.digest import digest_batch
from conversions.models import Postback
from conversions.outage import leaving_a_standby

TURN_SECONDS = 5.0  # then other tasks' turn; the pulse asks for the next one


@leaving_a_standby()
def digest() -> int:
    """Digest what is due, batch after batch, for one turn; the number of postbacks digested."""
    done, ends_at = 0, time.monotonic() + TURN_SECONDS
    while time.monotonic() < ends_at:
        count = digest_batch(clock.now())
        done += count
        if not count:
            break
    return done


def has_due_postbacks() -> bool:
    """Whether any postback waits to be digested now."""
    return Postback.objects.due(clock.now()).exists()
