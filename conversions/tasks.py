"""What django-q2 runs for this app. Every task is harmless to lose and to run twice."""

from conversions import clock
from conversions.digest import digest_batch
from conversions.models import Postback

BATCHES_PER_TASK = 40


def digest() -> int:
    """Digest what is due, batch after batch; the number of postbacks digested."""
    done = 0
    for _ in range(BATCHES_PER_TASK):
        count = digest_batch(clock.now())
        done += count
        if not count:
            break
    return done


def has_due_postbacks() -> bool:
    """Whether any postback waits to be digested now."""
    return Postback.objects.due(clock.now()).exists()
