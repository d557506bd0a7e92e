"""Hold, Watch or Raise: decided for each active offer from its figures and from what is wrong now."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from dispatch.findings.finding import Finding
from dispatch.models import ScaleDecision


def decide_all(now: datetime, findings: Sequence[Finding] | None = None) -> int:
    """Decide on every active offer; how many decisions are new. `findings` spares looking for them again."""
    return 0


def decision_of(offer_ids: Iterable[int]) -> dict[int, ScaleDecision]:
    """The newest decision of each of these offers that has one, in one query."""
    return {}
