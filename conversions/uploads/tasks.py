"""What django-q2 runs for uploads: one task, harmless to lose and to run twice."""

import time

from django.conf import settings

from conversions.outage import leaving_a_standby
from conversions.seats import seat
from conversions.uploads.turns import has_unfinished_uploads, take_turn
from conversions.wake import UPLOADS, enqueue

TURN_SECONDS = 5.0  # then other tasks' turn; the pulse asks for the next one


@leaving_a_standby()
def bring_in() -> int:
    """Go on with unfinished uploads for one turn; how many steps were taken.

    It sits on the digest's seat, so that a worker stays free for sending, and digests what comes in meanwhile.
    """
    with seat("digest", max(1, settings.WORKERS // 2)) as may_work:
        steps = take_turn(time.monotonic() + TURN_SECONDS) if may_work else 0
    if steps and has_unfinished_uploads():
        enqueue(UPLOADS)
    return steps
