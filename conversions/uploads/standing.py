"""An upload's row while workers and people change it: locked, moved on, given up."""

from django.db.models import Count, F

from conversions import clock
from conversions.digest import digest_batch
from conversions.models import Upload, UploadRow

MOST_TURNS = 5
MOVING = [
    "state", "detail", "worked_at", "rows_done", "rows_total", "turns", "finished_at", "content", "headings", "columns",
    "date_order",
]  # fmt: skip


def lock(key: int) -> Upload | None:
    """The upload without its file, locked to the end of the transaction; None when it is gone."""
    rows = Upload.objects.without_content().select_for_update(of=("self",))
    return rows.select_related("network", "offer").filter(pk=key).first()


def lock_in(key: int, *states: str) -> Upload | None:
    """The locked upload if it is in one of the states; None when somebody else has moved it on."""
    upload = lock(key)
    return upload if upload and upload.state in states else None


def move(upload: Upload, state: str, detail: str = "", rows_total: int | None = None) -> None:
    """Store that a locked upload has entered a state."""
    upload.enter(state, clock.now(), detail)
    upload.rows_total = upload.rows_total if rows_total is None else rows_total
    fields = [name for name in MOVING if name != "content" or not upload.__dict__.get("content", True)]
    upload.save(update_fields=fields)


def summary_of(upload: Upload) -> str:
    """How many rows have which verdict, in words."""
    counts = dict(upload.rows.order_by().values_list("verdict").annotate(Count("pk")))
    named = [(UploadRow.Verdict(verdict).label.lower(), counts.get(verdict)) for verdict in UploadRow.Verdict.values]
    return ", ".join(f"{count:,} {label}" for label, count in named if count)


def fail(upload: Upload, words: str) -> None:
    move(upload, Upload.State.FAILED, words)


def note_progress(key: int, count: int) -> None:
    """Store that so many rows more are done."""
    Upload.objects.filter(pk=key).update(rows_done=F("rows_done") + count, worked_at=clock.now(), turns=0)


def let_others_by() -> None:
    """Digest what has come in meanwhile: an upload keeps the digest's seat, and postbacks must not wait for it."""
    digest_batch(clock.now())
