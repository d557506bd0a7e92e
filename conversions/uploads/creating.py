"""Third step: rows that a person has chosen become postbacks, which are digested like all others."""

import time

from django.db import transaction
from django.db.models import Q

from conversions import bulk, clock
from conversions.models import Click, Postback, Upload, UploadRow
from conversions.signals import recount
from conversions.uploads.preparing import prepare
from conversions.uploads.standing import let_others_by, lock_in, move, note_progress

CHUNK = 500
CREATED = ["postback", "verdict", "outcome", "detail", "click_ref", "transaction_id"]
State = Upload.State


def choose(key: int, which: Q) -> int:
    """Have rows brought in, out of those that would change something; how many. None twice, however often asked."""
    with transaction.atomic():
        upload = lock_in(key, State.CHECKED, State.DONE)
        if upload is None:
            return 0
        count = upload.rows.creatable().filter(which).update(is_chosen=True)
        if count:
            move(upload, State.CREATING, rows_total=upload.rows.to_create().count())
    return count


def check_again(key: int) -> int:
    """Have what was not brought in checked anew, after a repair such as a mapped status; how many rows of the file."""
    with transaction.atomic():
        upload = lock_in(key, State.CHECKED, State.DONE)
        if upload is None:
            return 0
        rows = upload.rows.filter(postback=None)
        rows.filter(verdict=UploadRow.Verdict.MISSING_THERE).delete()
        count = rows.update(verdict="", outcome="", detail="", is_chosen=False)
        if count:
            upload.is_rechecked = False
            upload.save(update_fields=["is_rechecked"])
            move(upload, State.CHECKING, rows_total=count)
    return count


def create_some(key: int, ends_at: float) -> None:
    """Bring chosen rows in a chunk at a time until all are or time is up. Raises django.db.Error."""
    while time.monotonic() < ends_at and create_chunk(key):
        let_others_by()


def create_chunk(key: int) -> bool:
    """Make the next chunk's postbacks, each noted on its row in the same transaction; False when none are left.

    The upload is locked meanwhile, so that two workers never take the same rows.
    """
    with transaction.atomic():
        upload = lock_in(key, State.CREATING)
        if upload is None:
            return False
        rows = list(upload.rows.to_create()[:CHUNK])
        if rows:
            create(upload, rows)
            note_progress(key, len(rows))
        else:
            move(upload, State.DONE, f"{upload.rows_total:,} recorded")
    return bool(rows)


def create(upload: Upload, rows: list[UploadRow]) -> None:
    """Store clicks and postbacks of the rows. One that can't be taken any more says why and is left out."""
    planned = {row.pk: (row.outcome, row.detail) for row in rows}
    prepared = prepare(upload, rows, clock.now())
    Click.objects.bulk_create(prepared.new_clicks, ignore_conflicts=True)
    recount(clicks=[click.pk for click in prepared.new_clicks])  # whose ids do not follow from the time
    Postback.objects.bulk_create(prepared.postbacks)
    for row, postback in zip(prepared.rows, prepared.postbacks, strict=True):
        row.postback, (row.outcome, row.detail) = postback, planned[row.pk]
    for row in prepared.refused:
        row.verdict = UploadRow.Verdict.REFUSED
    bulk.update(rows, CREATED)
