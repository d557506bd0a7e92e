from dataclasses import dataclass, replace
from typing import Any

from django.db.models import TextChoices


class Scope(TextChoices):
    """What a finding is about."""

    SITE = "site", "The site"
    OFFER = "offer", "Offer"
    NETWORK = "network", "Network"
    PIXEL = "pixel", "Pixel"


class Code(TextChoices):
    """Everything that can be found wrong. Each has a section of its own in docs/runbook.md, under its value."""

    # pixels and what sends to them
    CREDENTIAL_REFUSED = "credential_refused", "TikTok refuses the credential"
    NO_CREDENTIAL = "no_credential", "No credential"
    CREDENTIAL_DUE = "credential_due", "Credential due for rotation"
    CREDENTIAL_TAKEN_OVER = "credential_taken_over", "A spare credential took over"
    PIXEL_PAUSED = "pixel_paused", "Pixel paused"
    TIKTOK_FAILING = "tiktok_failing", "TikTok fails"
    TIKTOK_SLOWS = "tiktok_slows", "TikTok asks for less"
    TEST_PIXEL = "test_pixel", "Pixel sends test events only"
    # the queue
    WORKERS_STOPPED = "workers_stopped", "Workers give no sign of life"
    DELIVERIES_LATE = "deliveries_late", "Deliveries wait too long"
    DIGEST_LATE = "digest_late", "Postbacks are not digested"
    DEAD_LETTERS = "dead_letters", "Dead letters"
    NO_RATE = "no_rate", "No exchange rate"
    SUMS_LATE = "sums_late", "Figures are out of date"
    # what TikTok hears
    ACCEPTANCE_LOW = "acceptance_low", "TikTok accepts too few events"
    RETRIES_HIGH = "retries_high", "Too many retries"
    DELAY_HIGH = "delay_high", "Delivery is slow"
    MATCH_LOW = "match_low", "The Pixel is missing too often"
    DUPLICATES_HIGH = "duplicates_high", "One sale under several event_ids"
    IDENTIFIERS_FEW = "identifiers_few", "Too little to match people by"
    CONSENT_LOW = "consent_low", "Most visitors may not be told of"
    # what networks say
    NETWORK_SILENT = "network_silent", "Network silent"
    POSTBACKS_UNUSABLE = "postbacks_unusable", "Postbacks that lead to nothing"
    GAP_HIGH = "gap_high", "Sales that the network has not reported"
    # volume and value
    VOLUME_DROP = "volume_drop", "Volume below the same hours of past days"
    VALUE_UNSTABLE = "value_unstable", "Value per sale has changed"
    SALES_TAKEN_BACK = "sales_taken_back", "Sales are taken back"
    # pages
    STRANGE_PAGES = "strange_pages", "Script on pages that are not entered"


SEEN_WITH = {
    Code.CREDENTIAL_REFUSED: "offers.view_pixel",
    Code.NO_CREDENTIAL: "offers.view_pixel",
    Code.CREDENTIAL_DUE: "offers.view_pixel",
    Code.CREDENTIAL_TAKEN_OVER: "dispatch.view_credential",
    Code.PIXEL_PAUSED: "offers.view_pixel",
    Code.TIKTOK_FAILING: "offers.view_pixel",
    Code.TIKTOK_SLOWS: "offers.view_pixel",
    Code.TEST_PIXEL: "offers.view_pixel",
    Code.WORKERS_STOPPED: "dispatch.view_delivery",
    Code.DELIVERIES_LATE: "dispatch.view_delivery",
    Code.DIGEST_LATE: "conversions.view_postback",
    Code.DEAD_LETTERS: "dispatch.view_deadletter",
    Code.NO_RATE: "dispatch.view_delivery",
    Code.POSTBACKS_UNUSABLE: "conversions.view_postback",
    Code.NETWORK_SILENT: "offers.view_network",
    Code.STRANGE_PAGES: "conversions.view_strangepage",
}
"""The permission that each code is shown with; all others are figures of health."""
HEALTH = "dispatch.view_health"


def permission_of(code: Code) -> str:
    return SEEN_WITH.get(code, HEALTH)


PERMISSIONS = frozenset(map(permission_of, Code))


@dataclass(frozen=True)
class Step:
    """A nearer way to mend it, for those who have the permission."""

    permission: str
    link: str
    do: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong now; `tone` is bad when money stands still, else warn.

    `detail` narrows a code down where there may be several of one subject: an outcome, a reason, a currency.
    `value` and `target` are as people read them, empty where the code is no matter of figures. `link` is an address of
    the admin without host, `do` what its button says; `step` takes their place for those who may go it. `size` is how
    many it is about, where that may grow until it has to be told anew.
    """

    code: Code
    scope: Scope
    subject_id: int | None
    subject: str
    tone: str
    title: str
    words: str
    link: str
    do: str
    detail: str = ""
    value: str = ""
    target: str = ""
    size: int = 0
    step: Step | None = None

    @property
    def key(self) -> str:
        """What makes it the same finding tomorrow."""
        return ":".join(filter(None, [self.code, self.scope, str(self.subject_id or ""), self.detail]))[:100]

    @property
    def permission(self) -> str:
        """What a person needs to be shown it."""
        return permission_of(self.code)

    def seen_by(self, user: Any) -> "Finding":
        """The same, leading where this person may go."""
        if self.step and user.has_perm(self.step.permission):
            return replace(self, link=self.step.link, do=self.step.do)
        return self
