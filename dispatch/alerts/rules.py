"""Which findings are told, and how long each must have stood before."""

from dataclasses import dataclass
from datetime import timedelta

from dispatch.findings.finding import Code

MINUTE = timedelta(minutes=1)
HALF_HOUR = 30 * MINUTE


@dataclass(frozen=True)
class Rule:
    """How long a finding stands before it is told, by its tone."""

    bad: timedelta = MINUTE
    warn: timedelta = 10 * MINUTE

    def patience(self, tone: str) -> timedelta:
        return self.bad if tone == "bad" else self.warn


AT_ONCE = Rule(warn=MINUTE)
USUAL = Rule()
SLOW = Rule(bad=10 * MINUTE, warn=HALF_HOUR)  # what comes and goes by itself
RULES: dict[Code, Rule] = {
    Code.CREDENTIAL_REFUSED: AT_ONCE,
    Code.NO_CREDENTIAL: USUAL,
    Code.CREDENTIAL_DUE: USUAL,
    Code.CREDENTIAL_TAKEN_OVER: AT_ONCE,
    Code.PIXEL_PAUSED: Rule(warn=60 * MINUTE),  # whoever paused it knows; who forgot it should hear
    Code.TIKTOK_FAILING: USUAL,
    Code.TIKTOK_SLOWS: SLOW,
    Code.WORKERS_STOPPED: AT_ONCE,
    Code.DELIVERIES_LATE: USUAL,
    Code.DIGEST_LATE: USUAL,
    Code.DEAD_LETTERS: AT_ONCE,
    Code.NO_RATE: USUAL,
    Code.SUMS_LATE: USUAL,
    Code.ACCEPTANCE_LOW: USUAL,
    Code.RETRIES_HIGH: SLOW,
    Code.DELAY_HIGH: SLOW,
    Code.MATCH_LOW: USUAL,
    Code.DUPLICATES_HIGH: USUAL,
    Code.NETWORK_SILENT: USUAL,
    Code.POSTBACKS_UNUSABLE: USUAL,
    Code.GAP_HIGH: USUAL,
    Code.VOLUME_DROP: USUAL,
    Code.VALUE_UNSTABLE: SLOW,
    Code.SALES_TAKEN_BACK: USUAL,
}
"""What is missing here is on the first page and in no message: it is a choice, or a matter of months."""
NOT_TOLD = {Code.TEST_PIXEL, Code.IDENTIFIERS_FEW, Code.CONSENT_LOW, Code.STRANGE_PAGES}
