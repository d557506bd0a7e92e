"""Second step: what each row would lead to. It is digested for real in a transaction that is rolled back."""

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from conversions import bulk, clock
from conversions.digest import Digest
from conversions.models import Click, Conversion, Postback, Upload, UploadRow
from conversions.models.upload import CHANGING
from conversions.networks.record import PostbackRecord, PostbackRefusedError
from conversions.networks.uploaded import read_row
from conversions.outage import is_outage
from conversions.outcomes import Outcome
from conversions.uploads.comparing import compare
from conversions.uploads.preparing import Prepared, locate, prepare
from conversions.uploads.standing import let_others_by, lock_in, move, note_progress, summary_of
from offers.models import Network

logger = logging.getLogger(__name__)

CHUNK = 200
MOST_BESIDE = 1000
SAME_AS = re.compile(r"\bpostback (\d+)")
JUDGED = ["verdict", "outcome", "detail", "conversion", "click_ref", "transaction_id", "payout", "currency"]
State, Verdict = Upload.State, UploadRow.Verdict
VERDICT_OF = {
    Outcome.RECORDED: Verdict.RECORDED,
    Outcome.UPDATED: Verdict.UPDATED,
    Outcome.DUPLICATE: Verdict.DUPLICATE,
}
Records = dict[int, PostbackRecord]


def check_some(key: int, ends_at: float) -> None:
    """Judge rows a chunk at a time until all are or time is up. Raises django.db.Error."""
    while time.monotonic() < ends_at:
        upload = Upload.objects.without_content().select_related("network", "offer").get(pk=key)
        if upload.state != State.CHECKING:
            return
        rows = list(upload.rows.unchecked()[:CHUNK])
        if not rows:
            finish(key)
            return
        judge(upload, rows, clock.now())
        keep(key, rows)
        let_others_by()


def judge(upload: Upload, rows: list[UploadRow], now: datetime) -> None:
    """Write outcome and verdict on each of the rows. Does not save."""
    try:
        try_out(upload, rows, now)
    except Exception as error:  # a fault of ours with one row must not stop the others
        if is_outage(error):
            raise
        logger.exception("Trying %d rows of upload %d failed; trying one by one", len(rows), upload.pk)
        for row in rows:
            judge_alone(upload, row, now)
    records = records_of(upload, rows)
    for row in rows:
        row.verdict = VERDICT_OF.get(Outcome(row.outcome), Verdict.REFUSED)
    if upload.is_report:
        compare(upload, rows, records)


def judge_alone(upload: Upload, row: UploadRow, now: datetime) -> None:
    try:
        try_out(upload, [row], now)
    except Exception as error:  # the reason is on the row and in the log
        if is_outage(error):
            raise
        logger.exception("Trying row %d of upload %d failed", row.number, upload.pk)
        row.outcome, row.detail = Outcome.FAILED, f"{type(error).__name__} while trying it."


def try_out(upload: Upload, rows: Sequence[UploadRow], now: datetime) -> None:
    """Digest the rows, after those of the file that speak of the same clicks and transactions, and undo it all."""
    with transaction.atomic():
        locate(upload, rows)
        beside = rows_beside(upload, rows)
        prepared = prepare(upload, [*beside, *rows], now)
        made = digest(prepared, now)
        transaction.set_rollback(True)
    row_of = {postback.pk: row.number for row, postback in zip(prepared.rows, prepared.postbacks, strict=True)}
    for row, postback in zip(prepared.rows, prepared.postbacks, strict=True):
        row.outcome, row.detail = postback.outcome, in_rows(postback.detail, row_of)
        row.conversion_id = postback.conversion_id if postback.conversion_id not in made else None


def rows_beside(upload: Upload, rows: Sequence[UploadRow]) -> list[UploadRow]:
    """Rows that were found good before and that decide what these ones mean, such as the same sale a page above."""
    named = (name for row in rows for name in (row.transaction_id, row.params.get("parent")))
    transactions = {name for name in named if name}
    clicks = {row.click_ref for row in rows if row.click_ref}
    good = upload.rows.filter(outcome__in=CHANGING)
    sold = good.exclude(transaction_id="").filter(transaction_id__in=transactions)[:MOST_BESIDE]
    clicked = good.exclude(click_ref="").filter(click_ref__in=clicks)[:MOST_BESIDE]
    beside = {row.number: row for row in [*sold, *clicked]}
    return [beside[number] for number in sorted(beside)]


def digest(prepared: Prepared, now: datetime) -> set[int]:
    """Store and digest what was prepared; the primary keys of conversions that this has made."""
    Click.objects.bulk_create(prepared.new_clicks, ignore_conflicts=True)
    Postback.objects.bulk_create(prepared.postbacks)
    keys = {postback.network_id for postback in prepared.postbacks}
    networks = Network.objects.select_for_update(no_key=True).in_bulk(keys)
    for postback in prepared.postbacks:
        postback.network = networks[postback.network_id]
    batch = Digest(now)
    batch.run(prepared.postbacks)
    return {conversion.pk for book in batch.books.values() for conversion in book.new_conversions}


def in_rows(detail: str, row_of: dict[int, int]) -> str:
    """The digest's words, with a row's number instead of its postback's, which nobody will ever see."""

    def name(found: re.Match[str]) -> str:
        number = row_of.get(int(found[1]))
        return f"row {number:,} of this file" if number else found[0]

    return SAME_AS.sub(name, detail)


def records_of(upload: Upload, rows: Sequence[UploadRow]) -> Records:
    """What each readable row says of the transaction that it means; its money is written on the row, for the sums."""
    records: Records = {}
    for row in rows:
        if row.outcome == Outcome.UNDECODABLE:
            continue
        try:
            record = replace(read_row(row.params, upload.network), transaction_id=row.transaction_id)
        except PostbackRefusedError:
            continue
        records[row.pk] = record
        row.payout, row.currency = record.payout, record.currency
    return records


def keep(key: int, rows: Sequence[UploadRow]) -> None:
    """Store the verdicts unless the upload has moved on meanwhile."""
    with transaction.atomic():
        if lock_in(key, State.CHECKING) is None:
            return
        known = set(Conversion.objects.filter(pk__in=[row.conversion_id for row in rows]).values_list("pk", flat=True))
        for row in rows:
            row.conversion_id = row.conversion_id if row.conversion_id in known else None
        fresh = upload_rows_left(key, rows)
        bulk.update(fresh, JUDGED)
        note_progress(key, len(fresh))


def upload_rows_left(key: int, rows: Sequence[UploadRow]) -> list[UploadRow]:
    """Those that nobody else has judged meanwhile."""
    unjudged = UploadRow.objects.filter(upload=key, verdict="", pk__in=[row.pk for row in rows])
    left = set(unjudged.values_list("pk", flat=True))
    return [row for row in rows if row.pk in left]


def finish(key: int) -> None:
    """Go on when every row is judged: once more with those that only a later row explains, then to the reader."""
    with transaction.atomic():
        upload = lock_in(key, State.CHECKING)
        if upload is None or upload.rows.unchecked().exists():
            return
        if not upload.is_rechecked:
            upload.is_rechecked = True
            upload.save(update_fields=["is_rechecked"])
            again = explained_later(upload)
            if again:
                Upload.objects.filter(pk=key).update(rows_done=max(0, upload.rows_total - again))
                return
        if upload.is_report:
            move(upload, State.COMPARING)
        else:
            move(upload, State.CHECKED, summary_of(upload))


def explained_later(upload: Upload) -> int:
    """Have rows checked again whose transaction another row has brought, as reports begin with the newest; how many."""
    good = upload.rows.filter(outcome__in=CHANGING).exclude(transaction_id="").values("transaction_id")
    lost = upload.rows.filter(outcome__in=[Outcome.UNMATCHED_CLICK, Outcome.MISSING_CLICK_ID])
    return lost.filter(transaction_id__in=good).update(verdict="")
