"""The stages of a test conversion, in their order, as they are kept on its row and told to people."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from dispatch.models import TestConversion


class State(StrEnum):
    """Where one stage stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


LABELS = {
    "click": "Click",
    "landing": "Landing page",
    "outbound": "Outbound link",
    "postback": "Postback",
    "digest": "Digest",
    "planning": "Planning",
    "delivery": "Delivery to TikTok",
    "comparison": "Both legs compared",
}
OPEN = (State.WAITING, State.RUNNING)
BROKE_OFF = "This was not reached, because the test ended before."


def fresh_stages() -> list[dict[str, Any]]:
    """Every stage, still to come."""
    return [{"name": name, "state": State.WAITING, "words": "", "at": ""} for name in LABELS]


def stage_of(run: TestConversion, name: str) -> dict[str, Any]:
    return next(stage for stage in run.stages if stage["name"] == name)


def settle(run: TestConversion, name: str, state: State, words: str, now: datetime, **found: Any) -> None:
    """Write down how a stage stands, and what was found. Does not save."""
    stage_of(run, name).update(state=state, words=words, at=now.isoformat(), **found)


def is_open(run: TestConversion, name: str) -> bool:
    return stage_of(run, name)["state"] in OPEN


def first_open(run: TestConversion) -> str:
    """The stage that the run, which is not over, stands at."""
    return next(name for name in LABELS if is_open(run, name))


def has_failed(run: TestConversion) -> bool:
    return any(stage["state"] == State.FAILED for stage in run.stages)


def end(run: TestConversion, now: datetime) -> None:
    """No stage is left to come. Does not save."""
    for stage in run.stages:
        if stage["state"] in OPEN:
            stage.update(state=State.SKIPPED, words=BROKE_OFF, at=now.isoformat())
    run.ended_at, run.passed = now, not has_failed(run)


def verdict_of(run: TestConversion) -> str:
    """The whole run in a sentence or two."""
    if run.ended_at is None:
        return "The test is running."
    failed = next((stage for stage in run.stages if stage["state"] == State.FAILED), None)
    if failed:
        return f"The test failed at “{LABELS[failed['name']]}”: {failed['words']}"
    took = (run.ended_at - run.started_at).total_seconds()
    return f"The test passed in {took:.0f} s: what a visitor does and what the network reports reaches TikTok."
