"""Old uploads go, and what they brought stays."""

from datetime import timedelta

import pytest
from django.db.models import Q
from django.utils import timezone

from conversions.models import Conversion, Upload, UploadRow
from conversions.uploads.creating import choose
from conversions.uploads.retention import upload_rows, uploads
from tests.conversions.uploads.support import csv_bytes, make_upload, work
from tests.factories import make_click

pytestmark = pytest.mark.django_db


def test_old_uploads_go_with_their_rows_and_their_conversions_stay():
    click = make_click()
    for txid in ("OLD", "YOUNG"):
        upload = work(make_upload(csv_bytes("click id,txid", f"{click.pk},{txid}"), click.offer.network))
        choose(upload.pk, Q())
        work(upload)
    Upload.objects.filter(rows__transaction_id="OLD").update(created_at=timezone.now() - timedelta(days=181))

    gone = [sum(chore.batches(timezone.now() - timedelta(days=180))) for chore in (uploads(), upload_rows(), uploads())]

    assert gone == [0, 1, 1]
    assert UploadRow.objects.get().transaction_id == "YOUNG"
    assert (Upload.objects.count(), Conversion.objects.count()) == (1, 2)
