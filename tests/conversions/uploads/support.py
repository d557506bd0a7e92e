"""What the tests of uploads do again and again."""

import io
import time
from collections.abc import Sequence
from typing import Any

import openpyxl
from django.utils import timezone

from conversions.models import Upload
from conversions.uploads import files
from conversions.uploads.turns import take_turn
from offers.models import Network
from tests.factories import make_network


def csv_bytes(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def xlsx_bytes(rows: Sequence[Sequence[Any]]) -> bytes:
    """A workbook with these rows on its first sheet."""
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(list(row))
    book.save(stream)
    return stream.getvalue()


def make_upload(content: bytes, network: Network | None = None, **fields: Any) -> Upload:
    """An upload that waits to be read."""
    now = timezone.now()
    return Upload.objects.create(
        network=network or make_network(),
        file_name="conversions.csv",
        created_at=now,
        worked_at=now,
        content=files.pack(content),
        **fields,
    )


def work(upload: Upload) -> Upload:
    """What the workers do until nothing is left; the upload as it stands then."""
    while take_turn(time.monotonic() + 60):
        pass
    upload.refresh_from_db()
    return upload


def verdicts(upload: Upload) -> list[tuple[int, str]]:
    return list(upload.rows.order_by("number").values_list("number", "verdict"))


def details(upload: Upload) -> list[str]:
    return list(upload.rows.order_by("number").values_list("detail", flat=True))
