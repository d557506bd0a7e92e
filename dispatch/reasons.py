"""Why a delivery is held, not sent, or dead: a closed list, each with what to do about it."""

from django.db.models import TextChoices


class Reason(TextChoices):
    """The reason of a delivery that is not simply waiting or accepted."""

    # held
    CONSENT_UNKNOWN = "consent_unknown", "Waiting for consent"
    OUTCOME_UNKNOWN = "outcome_unknown", "Outcome unknown for 48 hours"
    NO_RATE = "no_rate", "No exchange rate"
    # suppressed
    CONSENT_DENIED = "consent_denied", "Consent denied"
    PIXEL_ONLY = "pixel_only", "Pixel leg only"
    TAKEN_BACK = "taken_back", "Taken back before it was sent"
    ROBOT = "robot", "Not a person"
    ERASED = "erased", "Erased on request"
    # dead, or suppressed when planning sees it already
    CONTRACT = "contract", "Breaks TikTok's contract"
    TOO_OLD = "too_old", "Event too old"
    NO_MATCH_KEY = "no_match_key", "Nothing to match a person by"
    INVALID = "invalid", "TikTok refused the event"
    RETRIES_EXHAUSTED = "retries_exhausted", "All retries failed"
    CRASH_LOOP = "crash_loop", "Worker died with it, repeatedly"
    NO_TEST_CODE = "no_test_code", "Test without a test event code"
    FAILED = "failed", "Our own error"

    @property
    def advice(self) -> str:
        """What the reader should do, in a sentence or two."""
        return ADVICE[self]


ADVICE = {
    Reason.CONSENT_UNKNOWN: "The offer needs consent and the visitor has not answered. It is sent when they agree.",
    Reason.OUTCOME_UNKNOWN: "A copy may have reached TikTok more than 48 hours ago, where it is no longer merged. Look "
    "the event up in Events Manager: re-queue it if it is missing there, discard it if not.",
    Reason.NO_RATE: "TikTok does not take the currency that the network pays in. Add a rate for it under Exchange "
    "rates: this is sent by itself within a minute after that, if it is less than 7 days old.",
    Reason.CONSENT_DENIED: "Nothing to do: the visitor refused, so TikTok is not told.",
    Reason.PIXEL_ONLY: "Nothing to do: the offer or its event rule sends this event from the browser only.",
    Reason.TAKEN_BACK: "Nothing to do: the network took the conversion back before it was sent.",
    Reason.ROBOT: "Nothing to do: a bot or a prefetcher came, not a person. What began as a prefetch is told as soon "
    "as somebody looks at the page. Plain HTTP clients and driven browsers are people on a local installation only.",
    Reason.ERASED: "Nothing to do: the visitor's data was erased, so TikTok is not told.",
    Reason.CONTRACT: "The detail names the field. Correct the offer or its event rule, then re-queue: the payload is "
    "built anew when it is sent.",
    Reason.TOO_OLD: "TikTok is not told events of more than 7 days ago. A dead letter can be discarded.",
    Reason.NO_MATCH_KEY: "Without ttclid, e-mail, phone, external id, or address and browser, TikTok can't match a "
    "person. Check that the tracking link receives ttclid.",
    Reason.INVALID: "TikTok's message names the field. Correct the offer, its event rule or the pixel, then re-queue.",
    Reason.RETRIES_EXHAUSTED: "TikTok could not be reached or answered with errors for about a day. Look at the "
    "attempts; re-queue when TikTok works again.",
    Reason.NO_TEST_CODE: "Enter the test event code on the pixel's page, from Events Manager, Test events, and run the "
    "test conversion again: without it TikTok would count the test.",
    Reason.FAILED: "Building the event failed through a fault of ours, which is logged. Re-queue it when it is mended.",
    Reason.CRASH_LOOP: "Sending this event ended its worker several times. Report it with its id before re-queueing.",
}
