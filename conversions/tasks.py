"""What django-q2 runs for this app. Every task is harmless to lose and to run twice."""

import time

from django.conf import settings

from conversions import clock
from conversions.digest import digest_batch
from conversions.models import Postback
from conversions.outage import leaving_a_standby
from conversions.replaying import Stretch, hand_over, replay_some
from conversions.seats import seat
from conversions.wake import DIGEST, enqueue

TURN_SECONDS = 5.0  # then other tasks' turn; the pulse asks for the next one


@leaving_a_standby()
def digest() -> int:
    """Digest what is due, batch after batch, for one turn; the number of postbacks digested.

    Two at once would wait for each other's network, so the workers stay free for sending.
    """
    with seat("digest", max(1, settings.WORKERS // 2)) as may_digest:
        done = digest_for_a_turn() if may_digest else 0
    if done and has_due_postbacks():
        enqueue(DIGEST)
    return done


def digest_for_a_turn() -> int:
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


def replay_rest(reason: int, network_id: int, how: int, below: int) -> int:
    """Go on with what a person has asked to have digested again, for one turn; how many were made due."""
    count, left = replay_some([Stretch.from_numbers(reason, network_id, how, below)], TURN_SECONDS)
    enqueue(DIGEST)
    hand_over(left)
    return count
