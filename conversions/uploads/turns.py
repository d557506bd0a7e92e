"""Turns of the workers at unfinished uploads. Each step may be broken off anywhere and begun by two at once."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from conversions import clock
from conversions.models import Upload
from conversions.outage import is_outage
from conversions.uploads.checking import check_some
from conversions.uploads.creating import create_some
from conversions.uploads.reading import read_on
from conversions.uploads.reconciling import compare_some
from conversions.uploads.standing import MOST_TURNS, fail, lock

logger = logging.getLogger(__name__)
State = Upload.State
Step = Callable[[int, float], None]

STEPS: dict[str, Step] = {
    State.WAITING: read_on,
    State.READING: read_on,
    State.CHECKING: check_some,
    State.COMPARING: compare_some,
    State.CREATING: create_some,
}
ANSWER_WITHIN = timedelta(hours=24)
UNANSWERED = "Nobody said within a day what its columns are, so the file was deleted. Upload it again."


def take_turn(ends_at: float) -> int:
    """Go on with unfinished uploads until `ends_at` on the monotonic clock; how many steps were taken.

    Raises django.db.Error when the database is away.
    """
    steps = 0
    while time.monotonic() < ends_at:
        upload = Upload.objects.unfinished().without_content().first()
        if upload is None:
            break
        take_step(upload, ends_at)
        steps += 1
    return steps


def take_step(upload: Upload, ends_at: float) -> None:
    """The next step of one upload; one that fails again and again through a fault of ours is given up."""
    try:
        STEPS[upload.state](upload.pk, ends_at)
    except Exception as error:  # a fault of ours must not stop the other uploads
        if is_outage(error):
            raise
        logger.exception("Upload %d failed while %s", upload.pk, upload.get_state_display().lower())
        note_failure(upload.pk, f"A fault of ours ({type(error).__name__}), which is logged. Nothing is doubled.")


def note_failure(key: int, words: str) -> None:
    with transaction.atomic():
        upload = lock(key)
        if upload is None or not upload.is_working:
            return
        upload.turns, upload.worked_at = upload.turns + 1, clock.now()
        upload.save(update_fields=["turns", "worked_at"])
        if upload.turns >= MOST_TURNS:
            fail(upload, words)


def has_unfinished_uploads() -> bool:
    """Whether a worker has something to do for any upload."""
    return Upload.objects.unfinished().exists()


def forget_unanswered(now: datetime) -> int:
    """Delete files whose columns nobody explained; how many. They hold personal data in clear, under our key only."""
    waiting = Upload.objects.filter(state=State.COLUMNS, worked_at__lt=now - ANSWER_WITHIN)
    return waiting.update(state=State.FAILED, detail=UNANSWERED, content="", finished_at=now)
