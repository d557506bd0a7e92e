"""The verdicts of a trace and their causes: two closed lists. docs/diagnosis.md explains each of them."""

from django.db.models import TextChoices

from conversions.outcomes import Outcome
from dispatch.reasons import Reason


class Verdict(TextChoices):
    """What has become of telling TikTok."""

    DELIVERED = "delivered", "Delivered"
    NEVER_SENT = "never_sent", "Never sent"
    REJECTED = "rejected", "Rejected"
    DUPLICATED = "duplicated", "Duplicated"
    DELAYED = "delayed", "Delayed"
    WAITING_FOR_CLICK = "waiting_for_click", "Waiting for a click"
    UNMATCHED = "unmatched", "Unmatched"
    NOT_REPORTED = "not_reported", "Not reported by the network"
    REFUNDED = "refunded", "Refunded"


class Cause(TextChoices):
    """What exactly it was. What the causes of deliveries and postbacks share a value with, they share a name with."""

    # delivered
    TOLD = "told", "TikTok accepted it"
    PIXEL_BLOCKED = "pixel_blocked", "Pixel blocked"
    PIXEL_UNHEARD = "pixel_unheard", "Pixel not heard of"
    TEST = "test", "A test"
    TEST_PIXEL = "test_pixel", "Sent as a test: the pixel is not in production"
    # never sent, because of a decision that is on record
    CONSENT_DENIED = "consent_denied", "Consent denied"
    CONSENT_UNKNOWN = "consent_unknown", "Waiting for consent"
    ROBOT = "robot", "Not a person"
    ERASED = "erased", "Erased on request"
    CAPPED = "capped", "Sent on because of a cap"
    PIXEL_ONLY = "pixel_only", "Pixel leg only"
    NO_RULE = "no_rule", "No event rule"
    NOT_APPROVED = "not_approved", "Not approved so far"
    NO_RATE = "no_rate", "No exchange rate"
    TOO_OLD = "too_old", "Event too old"
    NO_MATCH_KEY = "no_match_key", "Nothing to match a person by"
    NO_TEST_CODE = "no_test_code", "Test without a test event code"
    CONTRACT = "contract", "Breaks TikTok's contract"
    CRASH_LOOP = "crash_loop", "Worker died with it, repeatedly"
    FAILED = "failed", "Our own error"
    DISCARDED = "discarded", "Discarded by a person"
    # rejected
    INVALID = "invalid", "TikTok refused the event"
    RETRIES_EXHAUSTED = "retries_exhausted", "All retries failed"
    # duplicated
    SAME_SALE = "same_sale", "One sale under two event_ids"
    ONE_TRANSACTION = "one_transaction", "Its transaction is another sale's"
    DUPLICATE_POSTBACK = "duplicate_postback", "Reported again"
    # delayed
    CREDENTIAL_REFUSED = "credential_refused", "TikTok refuses the credential"
    NO_CREDENTIAL = "no_credential", "No credential"
    PIXEL_PAUSED = "pixel_paused", "Pixel paused"
    WORKERS_STOPPED = "workers_stopped", "Workers give no sign of life"
    TIKTOK_FAILING = "tiktok_failing", "TikTok fails"
    THROTTLED = "throttled", "TikTok asks for less"
    QUEUE_LONG = "queue_long", "Long queue"
    LEASE_LOST = "lease_lost", "Its worker died"
    OUTCOME_UNKNOWN = "outcome_unknown", "Outcome unknown"
    ON_ITS_WAY = "on_its_way", "On its way"
    # postbacks that led to nothing
    UNKNOWN_CLICK = "unknown_click", "No such click"
    CLICK_ID_CHANGED = "click_id_changed", "Click id changed on its way"
    MISSING_CLICK_ID = "missing_click_id", "No click id"
    UNREPLACED_MACRO = "unreplaced_macro", "Macro not replaced"
    WRONG_NETWORK = "wrong_network", "Click of another network"
    UNMAPPED_STATUS = "unmapped_status", "Status not mapped"
    BAD_AMOUNT = "bad_amount", "Amount not readable"
    BAD_CURRENCY = "bad_currency", "Currency not supported"
    UNDECODABLE = "undecodable", "Not readable"
    TOO_LARGE = "too_large", "Too large"
    BAD_SIGNATURE = "bad_signature", "Signature refused"
    IGNORED = "ignored", "Not about money"
    REPEATED_PARAMETER = "repeated_parameter", "Parameter sent twice"
    IP_NOT_ALLOWED = "ip_not_allowed", "Address not allowed"
    # not reported
    NETWORK_SILENT = "network_silent", "Network silent"
    NETWORK_OFF = "network_off", "Network switched off here"
    WRONG_SECRET = "wrong_secret", "Called with a wrong secret"
    SALE_UNREPORTED = "sale_unreported", "A page reported it, the network has not"
    ONLY_IN_FILE = "only_in_file", "In an uploaded file only"
    CLICK_TOO_YOUNG = "click_too_young", "Too early to expect anything"
    NO_CONVERSION_YET = "no_conversion_yet", "No conversion so far"
    # refunded
    TAKEN_BACK = "taken_back", "Taken back before it was sent"
    REFUND = "refund", "Refunded after TikTok was told"
    CHARGEBACK = "chargeback", "Charged back after TikTok was told"
    REJECTION = "rejection", "Rejected by the network after TikTok was told"


TONES: dict[str, str] = {
    Verdict.DELIVERED: "good",
    Verdict.NEVER_SENT: "bad",
    Verdict.REJECTED: "bad",
    Verdict.DUPLICATED: "warn",
    Verdict.DELAYED: "warn",
    Verdict.WAITING_FOR_CLICK: "warn",
    Verdict.UNMATCHED: "bad",
    Verdict.NOT_REPORTED: "warn",
    Verdict.REFUNDED: "calm",
}
AS_INTENDED = frozenset(
    {
        Cause.CONSENT_DENIED,
        Cause.CONSENT_UNKNOWN,
        Cause.ROBOT,
        Cause.ERASED,
        Cause.PIXEL_ONLY,
        Cause.NOT_APPROVED,
        Cause.IGNORED,
        Cause.TEST,
        Cause.DUPLICATE_POSTBACK,
    }
)
"""What nobody did wrong: these come after what has to be looked at, whatever their verdict is."""

NOTHING_TO_SAY = frozenset({Cause.CLICK_TOO_YOUNG, Cause.NO_CONVERSION_YET})
MOST_TROUBLING = [
    Verdict.REJECTED,
    Verdict.NEVER_SENT,
    Verdict.UNMATCHED,
    Verdict.DUPLICATED,
    Verdict.WAITING_FOR_CLICK,
    Verdict.DELAYED,
    Verdict.NOT_REPORTED,
    Verdict.REFUNDED,
    Verdict.DELIVERED,
]


def trouble(verdict: str, cause: str) -> tuple[int, int]:
    """Sorts the most troubling first."""
    order = MOST_TROUBLING.index(Verdict(verdict))
    if cause in NOTHING_TO_SAY:
        return 2, order
    is_harmless = cause in AS_INTENDED or verdict == Verdict.DELIVERED
    return int(is_harmless), order


def tone_of(verdict: str, cause: str) -> str:
    """The tone of the badge: what was intended alarms nobody."""
    if cause in NOTHING_TO_SAY or (cause in AS_INTENDED and verdict != Verdict.DELIVERED):
        return "calm"
    return TONES[verdict]


SAME_NAME = {"unmatched_click": Cause.UNKNOWN_CLICK, "duplicate": Cause.DUPLICATE_POSTBACK}


def cause_of(word: Reason | Outcome | str) -> Cause:
    """The cause that a delivery's reason or a postback's outcome is. Raises ValueError for one that is none."""
    return SAME_NAME.get(str(word)) or Cause(str(word))
