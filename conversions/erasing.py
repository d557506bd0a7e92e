"""Erasing a person: what was found of them is wiped.

Amounts, the ledger, event ids and transaction ids stay, and of each click its empty row, so that nothing counts twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from conversions import bulk
from conversions.exporting import without_query
from conversions.models import Click, ConsentRecord, Conversion, Enrichment, Postback, Sighting, UploadRow
from conversions.retention import NOBODY
from conversions.stripping import STRIPPED, strip_call, strip_row
from conversions.traces import Traces, pieces

KEPT_PROPERTIES = frozenset({"contents", "content_ids", "content_type", "num_items"})
OF_CLICK = {**NOBODY, "ttclid": "", "ttp": "", "referrer": ""}
OF_CONVERSION = ["email_sha256", "phone_sha256", "page_url", "referrer", "page_properties", "segment", "lead_quality"]
Row = TypeVar("Row", bound=Model)


def wipe(traces: Traces, now: datetime) -> None:
    """Wipe it all. The caller holds the transaction and keeps others from taking digests in meanwhile."""
    for part in pieces(traces.clicks):
        wipe_clicks(part, now)
    for part in pieces(traces.conversions):
        wipe_conversions(part)
    for part in pieces(traces.postbacks):
        calls = locked(Postback.objects.select_related("network"), part)
        for call in calls:
            strip_call(call)
        bulk.update(calls, STRIPPED)
    for part in pieces(traces.rows):
        rows = locked(UploadRow.objects.all(), part)
        for row in rows:
            strip_row(row)
        bulk.update(rows, ["params", "email_sha256", "phone_sha256"])


def locked(rows: QuerySet[Row], part: Sequence[Any]) -> list[Row]:
    """The rows in the order of their keys, in which everybody locks them."""
    return list(rows.filter(pk__in=part).select_for_update(of=("self",)).order_by("pk"))


def wipe_clicks(part: Sequence[str], now: datetime) -> None:
    clicks = locked(Click.objects.all(), part)
    for click in clicks:
        click.landing_url, click.erased_at = without_query(click.landing_url), click.erased_at or now
        for name, empty in OF_CLICK.items():
            setattr(click, name, empty)
    bulk.update(clicks, [*OF_CLICK, "landing_url", "erased_at"])
    answers = list(ConsentRecord.objects.filter(click__in=part).exclude(page_url=""))
    for answer in answers:
        answer.page_url = without_query(answer.page_url)
    bulk.update(answers, ["page_url"])


def wipe_conversions(part: Sequence[int]) -> None:
    conversions = locked(Conversion.objects.all(), part)
    for conversion in conversions:
        conversion.email_sha256 = conversion.phone_sha256 = conversion.segment = conversion.lead_quality = ""
        conversion.page_url = without_query(conversion.page_url)
        conversion.referrer = without_query(conversion.referrer)
        said = conversion.page_properties or {}
        conversion.page_properties = {name: said[name] for name in said if name in KEPT_PROPERTIES} or None
    bulk.update(conversions, OF_CONVERSION)
    Enrichment.objects.filter(conversion__in=part).update(segment="", lead_quality="")
    Sighting.objects.filter(conversion__in=part).exclude(detail="").update(detail="")
