"""Which moments belong to a case."""

from collections.abc import Iterator

from conversions.models import Conversion
from dispatch.diagnosis import recorded, sent
from dispatch.diagnosis.case import Case
from dispatch.diagnosis.moments import Moment, Stage, about


def moments_of(case: Case) -> Iterator[Moment]:
    """In no order. A conversion's are its own and its click's; a click's are those of all that it led to."""
    click, evidence = case.click, case.evidence
    calls = [case.postback] if case.postback else []
    if click:
        yield from recorded.of_click(click)
        yield from recorded.of_consent(case, click)
        calls += [] if case.postback else evidence.strays_of(click)
    if case.conversion:
        yield from of_conversion(case, case.conversion)
        calls += evidence.postbacks_of(case.conversion)
    elif click and case.kind == "click":
        for conversion in evidence.conversions_of(click):
            yield from recorded.of_conversion(case, conversion)
    yield from recorded.of_calls(calls)
    if case.row:
        title = f"Row {case.row.number} of the file “{case.row.upload}”"
        yield about(case.row.upload, case.row.upload.created_at, Stage.POSTBACK, title, case.row.detail, "warn")


def of_conversion(case: Case, conversion: Conversion) -> Iterator[Moment]:
    yield from recorded.of_conversion(case, conversion)
    yield from recorded.of_ledger(case, conversion)
    for delivery in case.deliveries:
        yield from sent.of_delivery(case, delivery)
        yield from sent.of_credentials(case, delivery)
