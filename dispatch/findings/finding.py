from dataclasses import dataclass

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
    # pages
    STRANGE_PAGES = "strange_pages", "Script on pages that are not entered"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong now; `tone` is bad when money stands still, else warn.

    `detail` narrows a code down where there may be several of one subject: an outcome, a reason, a currency.
    `value` and `target` are as people read them, empty where the code is no matter of figures. `link` is an address of
    the admin without host, `do` what its button says. `permission` is what a person needs to be shown it.
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
    permission: str
    detail: str = ""
    value: str = ""
    target: str = ""

    @property
    def key(self) -> str:
        """What makes it the same finding tomorrow."""
        return ":".join(filter(None, [self.code, self.scope, str(self.subject_id or ""), self.detail]))[:100]
