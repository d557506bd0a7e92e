"""Tracing: what a pasted id leads to, what became of it, and why."""

from collections.abc import Iterator
from datetime import datetime

from conversions.models import Click, Postback
from conversions.outcomes import Outcome
from dispatch.diagnosis import calls, finding, refusals, silence, typed
from dispatch.diagnosis.case import Case, Ruling, first_that_fits
from dispatch.diagnosis.evidence import Evidence, gather, is_of
from dispatch.diagnosis.finding import Found, NothingFoundError
from dispatch.diagnosis.moments import MOST_SHOWN, in_order
from dispatch.diagnosis.notes import notes_of
from dispatch.diagnosis.report import Subject, Trace
from dispatch.diagnosis.rules import RULES
from dispatch.diagnosis.steps import step_for
from dispatch.diagnosis.timeline import moments_of
from dispatch.diagnosis.verdicts import Cause, Verdict, trouble
from offers.models import EventRule

__all__ = ["NothingFoundError", "Trace", "trace"]


def trace(text: str, now: datetime) -> Trace:
    """What became of whatever has this id. Raises NothingFoundError."""
    wanted = typed.read(text)
    found = finding.find(wanted)
    evidence = gather(found, now)
    subjects = [subject_of(case) for case in cases_of(found, evidence)]
    return Trace(wanted.text, sorted(subjects, key=place_of))


def place_of(subject: Subject) -> tuple[int, int, bool, bool]:
    """The most troubling first; of equals what TikTok heard of by one leg only, then what the network reported."""
    ruling = subject.ruling
    order = trouble(ruling.verdict, ruling.cause)
    return *order, ruling.cause != Cause.PIXEL_BLOCKED, not subject.case.entries


def cases_of(found: Found, evidence: Evidence) -> Iterator[Case]:
    """What is judged by itself. Of a click everything that it led to; of any other id what bears it alone."""
    asked_for = {row.pk for row in found.conversions} | {row.conversion_id for row in found.postbacks}
    for row in evidence.conversions.values():
        if row.pk in asked_for or row.click_id in found.clicks:
            yield Case(evidence, click=row.click, conversion=row)
    for call in calls_of(found, evidence):
        yield Case(evidence, click=click_of(call, found, evidence), postback=call)
    for line in found.rows:
        yield Case(evidence, click=evidence.clicks.get(line.click_ref), row=line)
    for click in (evidence.clicks[key] for key in found.clicks):
        if expects_sale(click, evidence):
            yield Case(evidence, click=click)


def calls_of(found: Found, evidence: Evidence) -> list[Postback]:
    """Calls that have led to no conversion, and a repetition that was asked for by its own number."""
    is_named = found.typed.kind == "postback"
    asked_for = [row for row in found.postbacks if not row.conversion_id or (is_named and is_repetition(row))]
    strays = [row for key in found.clicks for row in evidence.strays_of(evidence.clicks[key])]
    return list({row.pk: row for row in [*asked_for, *strays]}.values())


def is_repetition(call: Postback) -> bool:
    return call.outcome == Outcome.DUPLICATE


def expects_sale(click: Click, evidence: Evidence) -> bool:
    """Whether the network has said nothing of this click, understood or not, and nothing else tells enough of it."""
    known = evidence.conversions_of(click)
    if any(evidence.entries[row.pk] for row in known) or evidence.strays_of(click):
        return False
    return not known or any(rule.trigger != EventRule.Trigger.PAGE for rule in evidence.rules[click.offer_id])


def click_of(call: Postback, found: Found, evidence: Evidence) -> Click | None:
    """The click that a call names; one that was asked for may have got another id on its way."""
    named = evidence.clicks.get(call.conversion.click_id if call.conversion else refusals.said_click(call))
    alike = [evidence.clicks[key] for key in (*found.clicks, *found.near) if key in evidence.clicks]
    return named or next((click for click in alike if is_of(call, click)), None)


def subject_of(case: Case) -> Subject:
    ruling = ruling_of(case)
    moments = in_order(moments_of(case))
    kept = moments if len(moments) <= MOST_SHOWN else moments[:1] + moments[1 - MOST_SHOWN :]
    return Subject(case, ruling, step_for(case, ruling), notes_of(case, ruling), kept, len(moments) - len(kept))


def ruling_of(case: Case) -> Ruling:
    if case.row:
        return calls.of_row(case.row)
    if case.kind == "click":
        ruling = silence.of_click(case)
    else:
        ruling = first_that_fits(RULES if case.conversion else calls.OF_CALLS, case)
    return ruling or Ruling(Verdict.NOT_REPORTED, Cause.NO_CONVERSION_YET, "Nothing is known of it so far.")
