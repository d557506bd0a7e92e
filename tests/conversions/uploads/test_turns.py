"""Two workers at once, kills in the middle, second clicks: nothing is doubled and nothing gets lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from conversions.models import Conversion, LedgerEntry, Postback, Upload, UploadRow
from conversions.uploads import checking, creating, reading, turns
from conversions.uploads.creating import choose, create_chunk
from conversions.uploads.tasks import bring_in
from conversions.uploads.turns import forget_unanswered, has_unfinished_uploads, take_turn
from tests.conversions.support import digest_everything
from tests.conversions.test_races import at_once
from tests.conversions.uploads.support import csv_bytes, make_upload, work
from tests.factories import make_click, make_offer
from tests.second_connection import meanwhile

ROWS = 40


class KilledError(BaseException):
    """Ends a worker between two statements, as a kill does."""


def forty_sales() -> Upload:
    offer = make_offer()
    lines = [f"{make_click(offer).pk},T-{n},5" for n in range(ROWS)]
    return make_upload(csv_bytes("click id,txid,payout", *lines), offer.network)


def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (reading, checking, creating):
        monkeypatch.setattr(step, "CHUNK", 7)


def kill_after(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, calls: int) -> None:
    """Have the function end its worker instead of being called once more."""
    real, left = getattr(module, name), [calls]

    def killing(*args: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KilledError
        return real(*args, **options)

    monkeypatch.setattr(module, name, killing)


def bring_all_in(upload: Upload) -> None:
    work(upload)
    choose(upload.pk, Q())
    work(upload)


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (UploadRow, Postback, Conversion, LedgerEntry))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("module", "name"),
    [(reading, "keep"), (reading, "note_progress"), (checking, "keep"), (checking, "note_progress"),
     (creating, "create"), (creating, "note_progress"), (creating, "let_others_by")],
)  # fmt: skip
def test_a_worker_that_is_killed_anywhere_is_followed_by_one_that_goes_on(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
):
    small_chunks(monkeypatch)
    upload = forty_sales()

    with monkeypatch.context() as patch:
        kill_after(patch, module, name, 2)
        with pytest.raises(KilledError):
            bring_all_in(upload)
    bring_all_in(upload)
    digest_everything()

    assert Upload.objects.get().state == "done"
    assert counts() == (ROWS, ROWS, ROWS, ROWS)
    assert set(Postback.objects.values_list("outcome", flat=True)) == {"recorded"}


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_one_upload_double_nothing(monkeypatch: pytest.MonkeyPatch):
    small_chunks(monkeypatch)
    upload = forty_sales()

    def turn() -> None:
        for _ in range(200):
            try:
                if not take_turn(time.monotonic() + 60):
                    return
            except OperationalError:
                continue  # SQLite was locked for too long; the next turn goes on

    at_once([turn] * 4)
    chosen = at_once([lambda: choose(upload.pk, Q())] * 4)
    at_once([turn] * 4)
    digest_everything()

    assert sorted(chosen) == [0, 0, 0, ROWS]
    assert Upload.objects.get().state == "done"
    assert counts() == (ROWS, ROWS, ROWS, ROWS)


@pytest.mark.django_db(transaction=True)
def test_a_second_worker_waits_for_the_chunk_of_the_first_and_takes_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(creating, "CHUNK", ROWS)
    upload = work(forty_sales())
    choose(upload.pk, Q())

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert create_chunk(upload.pk)
            other = meanwhile(pool, lambda: create_chunk(upload.pk))
        assert other.result(30) is False

    assert Postback.objects.count() == ROWS
    assert connection.in_atomic_block is False


@pytest.mark.django_db
def test_a_second_click_chooses_nothing():
    upload = work(forty_sales())

    assert [choose(upload.pk, Q()) for _ in range(2)] == [ROWS, 0]


@pytest.mark.django_db
def test_a_fault_of_ours_with_one_row_is_named_on_it_and_stops_no_other(monkeypatch: pytest.MonkeyPatch):
    real = checking.digest

    def failing(prepared: Any, now: Any) -> Any:
        if any(row.transaction_id == "T-3" for row in prepared.rows):
            raise ZeroDivisionError
        return real(prepared, now)

    monkeypatch.setattr(checking, "digest", failing)

    upload = work(forty_sales())

    failed = upload.rows.get(transaction_id="T-3")
    assert (failed.verdict, failed.outcome, failed.detail) == (
        "refused",
        "failed",
        "ZeroDivisionError while trying it.",
    )
    assert upload.detail == "39 would be recorded, 1 refused"


@pytest.mark.django_db
def test_an_upload_that_fails_again_and_again_is_given_up(monkeypatch: pytest.MonkeyPatch):
    def failing(key: int, ends_at: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(turns.STEPS, "waiting", failing)

    upload = work(forty_sales())

    assert upload.state == "failed"
    assert "A fault of ours (ZeroDivisionError)" in upload.detail
    assert not upload.content


@pytest.mark.django_db
def test_a_file_that_kills_its_reader_every_time_is_given_up(monkeypatch: pytest.MonkeyPatch):
    upload = forty_sales()
    with monkeypatch.context() as patch:
        kill_after(patch, reading, "store", 0)
        for _ in range(turns.MOST_TURNS):
            with pytest.raises(KilledError):
                work(upload)

    work(upload)

    assert (upload.state, bool(upload.content)) == ("failed", False)
    assert "could not be read in the time" in upload.detail


@pytest.mark.django_db
def test_a_file_whose_columns_nobody_explains_is_deleted_after_a_day():
    upload = work(make_upload(csv_bytes("Wer", "x")))

    assert forget_unanswered(timezone.now()) == 0
    assert forget_unanswered(timezone.now() + timedelta(hours=25)) == 1

    upload.refresh_from_db()
    assert (upload.state, bool(upload.content)) == ("failed", False)


@pytest.mark.django_db
def test_the_task_works_until_nothing_is_left(settings: Any, tmp_path: Any):
    settings.STATE_DIR, settings.WORKERS = tmp_path, 2
    upload = forty_sales()

    while has_unfinished_uploads():
        bring_in()

    upload.refresh_from_db()
    assert upload.state == "checked"
    assert bring_in() == 0
