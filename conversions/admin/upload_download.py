"""Rows of an upload as a file: what each says by names that an upload understands, what became of it, and why."""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from conversions.admin.export import PERSONAL, note_end
from conversions.admin.upload_page import advice_on, rows_of
from conversions.exporting import Cell, Column, Counted, cell, chosen, csv_lines, without_query
from conversions.models import Upload, UploadRow
from conversions.uploads.columns import FIELDS, MONEY

Verdict = UploadRow.Verdict
TELLING = ("ttclid", "email", "phone")
NUMBER = re.compile(r"-?\d{1,12}(\.\d+)?")
COLUMNS = [
    Column("row", "row"),
    *(Column(name, name, is_personal=name in TELLING) for name in FIELDS),
    *(Column(name, name) for name in ("verdict", "reason", "what to do")),
]


def may_take_personal(request: HttpRequest) -> bool:
    """Whether the file says who people are: hashed e-mail and phone, ttclid, and what the page's address carries."""
    return request.user.has_perm(PERSONAL)


def respond(request: HttpRequest, admin: Any, upload: Upload, verdict: str) -> StreamingHttpResponse:
    """The rows of a verdict, or all, as CSV. Who took them is on record before the first byte goes out."""
    personal = may_take_personal(request)
    which = f"“{Verdict(verdict).label}”" if verdict in Verdict.values else "all rows"
    words = f"Downloaded {which} {'with' if personal else 'without'} personal data."
    entry = admin.log_change(request, upload, words)
    columns = chosen(COLUMNS, personal)
    rows = iter(Counted(lines_of(upload, verdict, columns, personal), partial(note_end, entry)))
    response = StreamingHttpResponse(csv_lines(columns, rows), content_type="text/csv; charset=utf-8")
    name = f"upload-{upload.pk}-{verdict if verdict in Verdict.values else 'rows'}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def lines_of(upload: Upload, verdict: str, columns: list[Column], personal: bool) -> Iterator[list[Cell]]:
    """The rows as cells that no spreadsheet program takes for formulas."""
    for row in rows_of(upload, verdict).select_related("conversion").iterator(chunk_size=2000):
        said = said_by(row)
        if not personal:
            said["page_url"] = without_query(said.get("page_url", ""))
        yield [as_cell(column.field, said.get(column.field, "")) for column in columns]


def said_by(row: UploadRow) -> dict[str, str]:
    """What a row says, e-mail and phone as hashes, which can be uploaded again, and what became of it."""
    return {
        **recorded(row),
        **row.params,
        "row": str(row.number),
        "email": row.email_sha256,
        "phone": row.phone_sha256,
        "verdict": Verdict(row.verdict).label,
        "reason": row.detail,
        "what to do": advice_on(row.outcome) if row.outcome and row.verdict == Verdict.REFUSED else "",
    }


def as_cell(name: str, text: str) -> Cell:
    """Money as a number where it is one, all else as harmless text."""
    return Decimal(text) if name in MONEY and NUMBER.fullmatch(text) else cell(text)


def recorded(row: UploadRow) -> dict[str, str]:
    """What is known here of a conversion that the report lacks."""
    conversion = row.conversion if row.verdict == Verdict.MISSING_THERE else None
    if conversion is None:
        return {}
    return {
        "click_id": conversion.click_id,
        "transaction_id": conversion.transaction_id,
        "status": conversion.status,
        "payout": "" if conversion.payout is None else str(conversion.payout),
        "amount": "" if conversion.amount is None else str(conversion.amount),
        "currency": conversion.currency,
        "occurred_at": conversion.occurred_at.isoformat(),
    }
