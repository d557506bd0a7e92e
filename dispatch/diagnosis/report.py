"""A trace as it is shown: its subjects with verdict and timeline, and the stable JSON of both."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from conversions.identity import hide_inside
from dispatch.diagnosis.case import Case, Ruling
from dispatch.diagnosis.moments import Moment
from dispatch.diagnosis.steps import NextStep
from dispatch.diagnosis.verdicts import tone_of

May = Callable[[str], bool]


def everything(permission: str) -> bool:
    """Whoever runs commands on the server may see all of it."""
    return True


@dataclass(frozen=True)
class Subject:
    """One conversion, or one click, call or row that has led to none, with its verdict and its timeline."""

    case: Case
    ruling: Ruling
    next_step: NextStep
    notes: list[str]
    timeline: list[Moment]
    more: int

    @property
    def tone(self) -> str:
        return tone_of(self.ruling.verdict, self.ruling.cause)

    @property
    def title(self) -> str:
        """What it is, for people."""
        case = self.case
        if case.conversion:
            return f"{case.conversion.event_name}, conversion {case.key}"
        return {"click": f"Click {case.key}", "postback": f"Postback {case.key}"}.get(
            case.kind, f"Row {case.key} of a file"
        )

    @property
    def transaction_id(self) -> str:
        row = self.case.conversion or self.case.postback or self.case.row
        return hide_inside(row.transaction_id) if row else ""

    @property
    def steps(self) -> Iterator[tuple[Moment, timedelta | None]]:
        """Every moment, and how long after the one before it came."""
        before: datetime | None = None
        for moment in self.timeline:
            yield moment, moment.at - before if before else None
            before = moment.at


@dataclass(frozen=True)
class Trace:
    """Everything that the id may mean, the most troubling first: that one's verdict is the whole trace's."""

    query: str
    subjects: list[Subject]

    @property
    def first(self) -> Subject:
        return self.subjects[0]

    def as_json(self, may: May = everything) -> dict[str, Any]:
        """The stable form; `may` says whether the reader has a permission, and so gets a link."""
        head = ruling_as_json(self.first, may)
        return {"query": self.query, **head, "subjects": [subject_as_json(subject, may) for subject in self.subjects]}


def ruling_as_json(subject: Subject, may: May) -> dict[str, Any]:
    step = subject.next_step
    link = allowed(step.link, step.permission, may)
    return {
        "verdict": subject.ruling.verdict.value,
        "cause": subject.ruling.cause.value,
        "words": subject.ruling.words,
        "next_step": {"text": step.text, "do": step.do if link else "", "link": link, "runbook": step.runbook},
    }


def subject_as_json(subject: Subject, may: May) -> dict[str, Any]:
    case = subject.case
    event_id = case.conversion.event_id if case.conversion else None
    return {
        "kind": case.kind,
        "id": case.key,
        "offer": case.offer.slug if case.offer else "",
        "network": case.network.slug if case.network else "",
        "pixel": case.pixel.code if case.pixel else "",
        "click_id": case.click.pk if case.click else "",
        "event": case.conversion.event_name if case.conversion else "",
        "event_id": str(event_id or ""),
        "transaction_id": subject.transaction_id,
        "status": case.conversion.status if case.conversion else "",
        "is_test": bool(case.click and case.click.is_test),
        **ruling_as_json(subject, may),
        "notes": subject.notes,
        "timeline": [moment_as_json(moment, after, may) for moment, after in subject.steps],
        "left_out": subject.more,
    }


def moment_as_json(moment: Moment, after: timedelta | None, may: May) -> dict[str, Any]:
    return {
        "at": moment.at.isoformat(),
        "after_seconds": after.total_seconds() if after is not None else None,
        "stage": moment.stage.value,
        "title": moment.title,
        "words": moment.words,
        "tone": moment.tone,
        "link": allowed(moment.link, moment.permission, may),
    }


def allowed(link: str, permission: str, may: May) -> str:
    return link if link and may(permission) else ""
