"""What delays a delivery that waits: a pixel's trouble, the workers, TikTok, or the length of the queue."""

from dispatch import standing
from dispatch.diagnosis.case import Case, Ruling
from dispatch.diagnosis.verdicts import Cause, Verdict
from dispatch.models import Delivery
from dispatch.standing import Standing

Code = standing.Code
CAUSES: dict[str, Cause] = {
    Code.REFUSED: Cause.CREDENTIAL_REFUSED,
    Code.NO_CREDENTIAL: Cause.NO_CREDENTIAL,
    Code.PAUSED: Cause.PIXEL_PAUSED,
    Code.FAILING: Cause.TIKTOK_FAILING,
    Code.PROBING: Cause.TIKTOK_FAILING,
    "retry": Cause.TIKTOK_FAILING,
    Code.RESTING: Cause.THROTTLED,
    Code.SLOWED: Cause.THROTTLED,
    Code.STALLED: Cause.QUEUE_LONG,
    Code.GENTLE: Cause.QUEUE_LONG,
    Code.CAPPED: Cause.QUEUE_LONG,
    Code.BUSY: Cause.QUEUE_LONG,
    "lost": Cause.LEASE_LOST,
}
BY_PEOPLE = frozenset({Cause.CREDENTIAL_REFUSED, Cause.NO_CREDENTIAL, Cause.PIXEL_PAUSED})
"""What stays so whether or not the workers run."""

NOBODY = "No cluster of workers gives a sign of life, so nothing is planned, digested or sent."


def cause_of(reason: Standing) -> Cause:
    if reason.code == "due" and reason.tone == "warn":
        return Cause.QUEUE_LONG
    return CAUSES.get(reason.code, Cause.ON_ITS_WAY)


def waiting(case: Case) -> Ruling | None:
    """The reason that a person has to end comes first, then workers that have stopped, then what lasts longest."""
    delivery = case.delivery
    if not delivery or delivery.status not in (Delivery.Status.WAITING, Delivery.Status.LEASED):
        return None
    reasons = [(cause_of(reason), reason.words) for reason in case.waits]
    if not case.evidence.is_alive:
        reasons.append((Cause.WORKERS_STOPPED, NOBODY))
    reasons.sort(key=lambda reason: (reason[0] not in BY_PEOPLE, reason[0] != Cause.WORKERS_STOPPED))
    (cause, words), *others = reasons or [(Cause.ON_ITS_WAY, "It goes out with the next request to its pixel.")]
    return Ruling(Verdict.DELAYED, cause, words, notes=tuple(words for _, words in others))
