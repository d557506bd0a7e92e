"""What a report lacks: our conversions of its network and period, stored as rows behind those of the file."""

import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time

from django.db import transaction
from django.db.models import Max, QuerySet

from conversions.models import Conversion, Upload, UploadRow
from conversions.outcomes import Outcome
from conversions.uploads.standing import let_others_by, lock_in, move, note_progress, summary_of

CHUNK = 500
EDGE = timedelta(days=1)
Status, State = Conversion.Status, Upload.State
AT_THE_EDGE = (
    "It happened at the edge of the period: the network may count it in the report before or after, as its day may "
    "begin at another hour."
)
LATE = "It was recorded here after the period had ended, so the report may be older than it."
ASK = "Ask the network for it, with the transaction id and the time."
EXPLANATIONS = {
    Status.PENDING: "It is pending here. Many reports list what is approved only; look again in the next one.",
    Status.REJECTED: "It was rejected here too, and many reports leave out what was rejected.",
    Status.REFUNDED: "It was refunded, and many reports leave out what was refunded.",
    Status.CHARGEBACK: "It was charged back, and many reports leave that out.",
}


def compare_some(key: int, ends_at: float) -> None:
    """Store what the report lacks, a chunk at a time until all is there or time is up. Raises django.db.Error."""
    after: int | None = 0
    while after is not None and time.monotonic() < ends_at:
        after = compare_chunk(key, after)
        let_others_by()


def compare_chunk(key: int, after: int) -> int | None:
    """Go through the next conversions behind `after`, or behind the last one that is stored; where that ended, None
    when there are no more."""
    with transaction.atomic():
        upload = lock_in(key, State.COMPARING)
        if upload is None:
            return None
        stored = upload.rows.filter(verdict=UploadRow.Verdict.MISSING_THERE).aggregate(last=Max("conversion"))["last"]
        page = list(ours(upload).filter(pk__gt=max(after, stored or 0))[:CHUNK])
        if not page:
            move(upload, State.CHECKED, summary_of(upload))
            return None
        last = upload.rows.aggregate(last=Max("number"))["last"] or 0
        missing = without_row(upload, page)
        UploadRow.objects.bulk_create(make_row(upload, last + n, c) for n, c in enumerate(missing, start=1))
        note_progress(key, len(missing))
    return page[-1].pk


def ours(upload: Upload) -> "QuerySet[Conversion]":
    """Conversions of the network in the period, by primary key."""
    begin, end = bounds(upload)
    rows = Conversion.objects.filter(offer__network=upload.network_id, occurred_at__gte=begin, occurred_at__lt=end)
    if upload.offer_id:
        rows = rows.filter(offer=upload.offer_id)
    # Nothing is recorded much before it happens, and by this column there is an index.
    return rows.filter(created_at__gte=begin - EDGE, is_test=False).exclude(status=Status.TRACKED).order_by("pk")


def without_row(upload: Upload, conversions: list[Conversion]) -> list[Conversion]:
    """Those that no row of the report is about. Asked by the conversion alone, for which there is an index."""
    found = UploadRow.objects.filter(conversion__in=conversions).order_by().values_list("conversion", "upload")
    known = {conversion for conversion, upload_id in found if upload_id == upload.pk}
    return [conversion for conversion in conversions if conversion.pk not in known]


def bounds(upload: Upload) -> tuple[datetime, datetime]:
    """The period from its first moment to the one after its last, in UTC; without a period it is empty."""
    day = upload.created_at.date()
    first, last = upload.period_from or day, upload.period_to or day
    begin = datetime.combine(first, clock_time.min, UTC)
    return begin, datetime.combine(last, clock_time.min, UTC) + timedelta(days=1)


def make_row(upload: Upload, number: int, conversion: Conversion) -> UploadRow:
    return UploadRow(
        upload=upload,
        number=number,
        conversion=conversion,
        click_ref=conversion.click_id,
        transaction_id=conversion.transaction_id,
        payout=conversion.money,
        currency=conversion.currency,
        verdict=UploadRow.Verdict.MISSING_THERE,
        outcome=Outcome.DUPLICATE,
        detail=explanation(upload, conversion),
    )


def explanation(upload: Upload, conversion: Conversion) -> str:
    """Why the report may lack it."""
    known = EXPLANATIONS.get(Status(conversion.status))
    if known:
        return known
    begin, end = bounds(upload)
    if conversion.created_at >= end:
        return LATE
    is_edge = conversion.occurred_at < begin + EDGE or conversion.occurred_at >= end - EDGE
    return AT_THE_EDGE if is_edge else ASK
