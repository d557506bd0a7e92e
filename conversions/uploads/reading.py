"""First step: from the file to its rows, which are kept without personal data."""

import re
import time
from collections.abc import Iterator, Mapping
from itertools import islice

from django.db import transaction
from django.db.models import Max

from conversions import clock, identity
from conversions.erased import drop_erased, let_nobody_be_erased
from conversions.intake import first_hash, hide_value
from conversions.models import Upload, UploadRow
from conversions.networks.values import shortened
from conversions.uploads import files
from conversions.uploads.cells import date_order_of, tidy_amount, tidy_time
from conversions.uploads.columns import FIELDS, MONEY, cell_of, find_headings, needs_help, recognise
from conversions.uploads.files import MAX_CELL, FileRefusedError
from conversions.uploads.standing import MOST_TURNS, fail, let_others_by, lock_in, move, note_progress
from offers.encryption import SecretUnreadableError

CHUNK = 1000
READ_SECONDS = 40.0  # the queue ends a task after 60; what is left is read in another turn
State = Upload.State
TOO_SLOW = "The file could not be read in the time that a worker has. Split it into several files."
NO_ROWS = "The file has headings but no rows under them."
NO_HEADINGS = "The file has no rows. Its first row must hold the headings."
LOST_KEY = "The file can't be decrypted any more: FIELD_ENCRYPTION_KEYS lacks the key. Upload it again."
TIMES = ("occurred_at", "clicked_at")
PERSONAL = frozenset(field for field in FIELDS if identity.is_personal(field))
PLAIN = re.compile(r"[\w .,+-]{0,200}", re.ASCII)


def read_on(key: int, ends_at: float) -> None:
    """Store the file's rows, beginning after those that are stored. Raises django.db.Error."""
    upload = begin(key)
    if upload is None:
        return
    try:
        store(upload, files.unpack(upload.content.reveal()), time.monotonic() + READ_SECONDS)
    except FileRefusedError as refusal:
        finish(upload.pk, State.FAILED, str(refusal))
    except SecretUnreadableError:
        finish(upload.pk, State.FAILED, LOST_KEY)


def begin(key: int) -> Upload | None:
    """Count a turn, so that a file that kills its reader is given up; None when there is nothing to read."""
    with transaction.atomic():
        upload = lock_in(key, State.WAITING, State.READING)
        if upload is None:
            return None
        if upload.turns >= MOST_TURNS:
            fail(upload, TOO_SLOW)
            return None
        upload.state, upload.turns, upload.worked_at = State.READING, upload.turns + 1, clock.now()
        upload.save(update_fields=["state", "turns", "worked_at"])
    return upload


def store(upload: Upload, content: bytes, ends_at: float) -> None:
    """Store rows a chunk at a time until all are or time is up. Raises FileRefusedError."""
    place, columns = understand(upload, content)
    if not columns:
        return
    last = upload.rows.aggregate(last=Max("number"))["last"] or place + 1
    numbered = enumerate(files.read_rows(content), start=1)
    rows = (make_row(upload, number, cells, columns) for number, cells in numbered if number > last and any(cells))
    while chunk := list(islice(rows, CHUNK)):
        if not keep(upload.pk, chunk, last if last > place + 1 else 0):
            return
        last = chunk[-1].number
        let_others_by()
        if time.monotonic() >= ends_at:
            return
    finish(upload.pk, State.CHECKING)


def understand(upload: Upload, content: bytes) -> tuple[int, dict[str, int]]:
    """Where the headings stand and which column is what; no columns when a person is asked for them.

    Raises FileRefusedError.
    """
    place, headings, samples = find_headings(files.read_rows(content), upload.network)
    if not headings:
        raise FileRefusedError(NO_HEADINGS)
    upload.headings = [heading[:100] for heading in headings]
    if upload.columns:
        return place, upload.columns
    columns = recognise(headings, samples, upload.network)
    times = [cell_of(row, columns[name]) for row in samples for name in TIMES if name in columns]
    order = upload.date_order or date_order_of(times)
    if upload.asks_columns or needs_help(columns) or order is None:
        finish(upload.pk, State.COLUMNS, headings=upload.headings)
        return place, {}
    upload.columns, upload.date_order = columns, order
    upload.save(update_fields=["columns", "date_order", "headings"])
    return place, columns


def keep(key: int, rows: list[UploadRow], last: int) -> bool:
    """Store a chunk; False when another worker has gone on meanwhile."""
    with transaction.atomic():
        let_nobody_be_erased()
        upload = lock_in(key, State.READING)
        if upload is None or (upload.rows.aggregate(last=Max("number"))["last"] or 0) != last:
            return False
        drop_erased(rows)
        UploadRow.objects.bulk_create(rows)
        note_progress(key, len(rows))
    return True


def finish(key: int, state: str, detail: str = "", headings: list[str] | None = None) -> None:
    """Leave the state of reading; a file without rows has failed."""
    with transaction.atomic():
        upload = lock_in(key, State.READING)
        if upload is None:
            return
        count = upload.rows.count()
        upload.headings = upload.headings if headings is None else headings
        if state == State.CHECKING and not count:
            state, detail = State.FAILED, NO_ROWS
        move(upload, state, detail, rows_total=count)


def make_row(upload: Upload, number: int, cells: list[str], columns: Mapping[str, int]) -> UploadRow:
    """An unsaved row: what was recognised, tidied, with e-mail and phone as digests. Everything else is dropped."""
    given = {field: cell_of(cells, at) for field, at in columns.items() if cell_of(cells, at)}
    tidy(given, upload.date_order)
    region, params = upload.network.default_region, without_personal(given)
    return UploadRow(
        upload=upload,
        number=number,
        params=params,
        email_sha256=first_hash([identity.hash_email(given.get("email", ""))]),
        phone_sha256=first_hash([identity.hash_phone(given.get("phone", ""), region)]),
        click_ref=params.get("click_id", "").lower()[:100],
        transaction_id=shortened(params.get("transaction_id", "")),
    )


def without_personal(given: Mapping[str, str]) -> dict[str, str]:
    """What the row says as it is kept. Most values hold nothing that could name somebody, and are not searched."""
    return {
        field: identity.HIDDEN
        if field in PERSONAL
        else value
        if PLAIN.fullmatch(value)
        else hide_value(value)[:MAX_CELL]
        for field, value in given.items()
    }


def tidy(given: dict[str, str], date_order: str) -> None:
    """Amounts as plain numbers, times in ISO 8601, addresses without personal data; a minus alone means a refund."""
    for field in MONEY:
        if field in given:
            given[field], code = tidy_amount(given[field])
            if code:
                given.setdefault("currency", code)
    for field in TIMES:
        if field in given:
            given[field] = tidy_time(given[field], date_order)
    if "page_url" in given:
        given["page_url"] = identity.scrub_url(given["page_url"])
    if given.get("payout", "").startswith("-") and "status" not in given:
        given["status"] = "refunded"


def sample(upload: Upload) -> Iterator[list[str]]:
    """The first rows of a file that waits for its columns. Raises FileRefusedError."""
    return files.read_rows(files.unpack(upload.content.reveal()))
