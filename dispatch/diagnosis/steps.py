"""What to do about each cause, where in the admin, and where the runbook speaks of it."""

from dataclasses import dataclass

from conversions.ad_macros import macros_left
from conversions.models import Conversion
from conversions.outcomes import Outcome
from dispatch.diagnosis.case import Case, Ruling
from dispatch.diagnosis.places import (
    CLICK,
    CONVERSION,
    DEAD_LETTER,
    DELIVERY,
    FULL_OFFER,
    NETWORK,
    OFFER,
    PIXEL,
    POSTBACK,
    RATES,
    ROTATE,
    UNMAPPED,
    UPLOAD,
    Place,
)
from dispatch.diagnosis.twice import PAGE_AND_NETWORK, told_twice
from dispatch.diagnosis.verdicts import Cause, Verdict
from dispatch.models import Delivery
from dispatch.reasons import Reason

RUNBOOK, GUIDE = "docs/runbook.md", "docs/diagnosis.md"


@dataclass(frozen=True)
class NextStep:
    """What to do now. `link` is an address of the admin, empty where there is none to go to; `do` is its button."""

    text: str
    do: str = ""
    link: str = ""
    permission: str = ""
    runbook: str = ""


@dataclass(frozen=True)
class Step:
    """What to do about a cause. `code` is the section of the runbook, empty where docs/diagnosis.md says all."""

    text: str
    place: Place | None = None
    code: str = ""


NOTHING = "Nothing to do."
STEPS: dict[Cause, Step] = {
    Cause.TOLD: Step(NOTHING, DELIVERY),
    Cause.PIXEL_BLOCKED: Step(
        "A blocker, or the page's own security policy, kept TikTok's script back. Single visitors do that; if it is "
        "most of them, look at the page's Content-Security-Policy and at the offer's match ratio.",
        OFFER,
        "match_low",
    ),
    Cause.PIXEL_UNHEARD: Step(
        "Single visitors leave before the browser can say it. If it is most of them, check that the page has the "
        "snippet and that it calls the event.",
        OFFER,
        "match_low",
    ),
    Cause.TEST: Step("Nothing to do: a test counts nowhere. Sales carry no test event code in production.", PIXEL),
    Cause.TEST_PIXEL: Step(
        "Make the pixel a production pixel on its page, or give the offer another one. What was sent as a test can't "
        "be told again.",
        PIXEL,
        "test_pixel",
    ),
    Cause.CONSENT_DENIED: Step(Reason.CONSENT_DENIED.advice, CLICK, "consent_low"),
    Cause.CONSENT_UNKNOWN: Step(Reason.CONSENT_UNKNOWN.advice, CLICK, "consent_low"),
    Cause.ROBOT: Step(Reason.ROBOT.advice, CLICK),
    Cause.ERASED: Step(Reason.ERASED.advice),
    Cause.CAPPED: Step("Raise the cap of the offer that was full, if it may sell more.", FULL_OFFER),
    Cause.PIXEL_ONLY: Step(
        "Nothing to do, if that is intended. Else choose “Pixel + Events API” on the offer's page: what the browser "
        "does not tell, the server does then.",
        OFFER,
    ),
    Cause.NO_RULE: Step("Add an event rule for it on the offer's page, then replay the call.", OFFER),
    Cause.NOT_APPROVED: Step(
        "Nothing to do: it is told when the network approves it. To tell pending ones, too, add a rule for them.",
        OFFER,
    ),
    Cause.NO_RATE: Step(Reason.NO_RATE.advice, RATES, "no_rate"),
    Cause.TOO_OLD: Step(Reason.TOO_OLD.advice, DELIVERY),
    Cause.NO_MATCH_KEY: Step(Reason.NO_MATCH_KEY.advice, CLICK, "identifiers_few"),
    Cause.NO_TEST_CODE: Step("Enter the pixel's test event code, then run the test again.", PIXEL),
    Cause.CONTRACT: Step(Reason.CONTRACT.advice, DEAD_LETTER, "dead_letters"),
    Cause.CRASH_LOOP: Step(Reason.CRASH_LOOP.advice, DEAD_LETTER, "dead_letters"),
    Cause.FAILED: Step(Reason.FAILED.advice, None, "dead_letters"),
    Cause.DISCARDED: Step("Nothing to do: a person has decided that TikTok is not told.", DELIVERY),
    Cause.INVALID: Step(Reason.INVALID.advice, DEAD_LETTER, "dead_letters"),
    Cause.RETRIES_EXHAUSTED: Step(Reason.RETRIES_EXHAUSTED.advice, DEAD_LETTER, "dead_letters"),
    Cause.SAME_SALE: Step(PAGE_AND_NETWORK, CONVERSION, "duplicates_high"),
    Cause.ONE_TRANSACTION: Step(
        "Compare the two in the network's report. If they are two sales, its macro for the transaction is missing in "
        "the postback URL: write it there, and have the network send again what it sent without.",
        POSTBACK,
        "postbacks_unusable",
    ),
    Cause.DUPLICATE_POSTBACK: Step(Outcome.DUPLICATE.advice, CONVERSION),
    Cause.CREDENTIAL_REFUSED: Step(
        "Compare the pixel's code with that in Events Manager: TikTok refuses a wrong one like a wrong token, and with "
        "the right one the pixel can be resumed. Else rotate the credential: the pixel resumes by itself when one that "
        "works is promoted, and the queue is sent.",
        ROTATE,
        "credential_refused",
    ),
    Cause.NO_CREDENTIAL: Step("Paste, test and promote an access token.", ROTATE, "no_credential"),
    Cause.PIXEL_PAUSED: Step(
        "Resume the pixel when it may be sent to again. The queue is kept.", PIXEL, "pixel_paused"
    ),
    Cause.WORKERS_STOPPED: Step("Start the workers: manage.py run_workers", None, "workers_stopped"),
    Cause.TIKTOK_FAILING: Step(
        "Nothing to do: it is tried again by itself, under the same event_id. The attempts below say what TikTok "
        "answered.",
        PIXEL,
        "tiktok_failing",
    ),
    Cause.THROTTLED: Step(
        "Nothing to do. If it happens often, give the pixel a lower cap of requests.", PIXEL, "tiktok_slows"
    ),
    Cause.QUEUE_LONG: Step(
        "Nothing to do, if the queue gets shorter. Else raise the pixel's caps, or start more workers.",
        PIXEL,
        "deliveries_late",
    ),
    Cause.LEASE_LOST: Step("Nothing to do, if any worker runs: it is sent again within a minute.", DELIVERY),
    Cause.OUTCOME_UNKNOWN: Step(Reason.OUTCOME_UNKNOWN.advice, DEAD_LETTER, "dead_letters"),
    Cause.ON_ITS_WAY: Step("Nothing to do. Trace it again in a minute.", DELIVERY),
    Cause.UNKNOWN_CLICK: Step(
        "Compare the id with that of the click, in the offer link's parameter: the network has to pass it on "
        "unchanged. A person can attach the call to its click by hand.",
        POSTBACK,
        "postbacks_unusable",
    ),
    Cause.CLICK_ID_CHANGED: Step(
        "Find out where the id is cut off: in the offer link's parameter, or in the network's macro. Attach the call "
        "to its click by hand meanwhile.",
        POSTBACK,
        "postbacks_unusable",
    ),
    Cause.ONLY_IN_FILE: Step(
        "Bring the row in from the page of the upload, and ask the network why it made no call.", UPLOAD, "gap_high"
    ),
    Cause.NETWORK_SILENT: Step(
        "Check at the network that the postback URL is still entered and active, then have it send a test.",
        NETWORK,
        "network_silent",
    ),
    Cause.NETWORK_OFF: Step(
        "If its offers are still to earn, make the network active on its page, and have it send again what it sent "
        "meanwhile. Else switch its offers off, or give them another network.",
        NETWORK,
        "network_silent",
    ),
    Cause.WRONG_SECRET: Step(
        "Copy the postback URL from the network's page again and enter it there; after a rotation the old secret is "
        "taken for 24 hours only. Then have the network send again what it sent to the old address.",
        NETWORK,
        "postbacks_unusable",
    ),
    Cause.SALE_UNREPORTED: Step(
        "Ask the network for this sale. If it has it, import it from its report; if it has many such, compare the "
        "whole report under Uploads.",
        NETWORK,
        "gap_high",
    ),
    Cause.CLICK_TOO_YOUNG: Step("Wait: there is nothing to expect yet.", CLICK),
    Cause.NO_CONVERSION_YET: Step(
        "Nothing to do, unless the network shows a sale of this click: then look into its log of postbacks.", CLICK
    ),
    Cause.TAKEN_BACK: Step(Reason.TAKEN_BACK.advice, CONVERSION),
    Cause.REFUND: Step(
        "Nothing to do: reports here leave it out. Expect the difference in TikTok's figures.", CONVERSION
    ),
    Cause.CHARGEBACK: Step(
        "Nothing to do: reports here leave it out. Expect the difference in TikTok's figures.", CONVERSION
    ),
    Cause.REJECTION: Step(
        "Nothing to do: reports here leave it out. If the network rejects much of what TikTok was told, tell approved "
        "conversions only.",
        OFFER,
    ),
    **{
        Cause(outcome.value): Step(outcome.advice, place, "postbacks_unusable")
        for outcome, place in [
            (Outcome.MISSING_CLICK_ID, POSTBACK),
            (Outcome.UNREPLACED_MACRO, POSTBACK),
            (Outcome.WRONG_NETWORK, POSTBACK),
            (Outcome.UNMAPPED_STATUS, UNMAPPED),
            (Outcome.BAD_AMOUNT, POSTBACK),
            (Outcome.BAD_CURRENCY, POSTBACK),
            (Outcome.UNDECODABLE, POSTBACK),
            (Outcome.TOO_LARGE, POSTBACK),
            (Outcome.BAD_SIGNATURE, NETWORK),
            (Outcome.IGNORED, POSTBACK),
            (Outcome.REPEATED_PARAMETER, POSTBACK),
            (Outcome.IP_NOT_ALLOWED, NETWORK),
        ]
    },
}


TOO_LATE = Step(
    "Nothing to do: TikTok takes nothing of more than 7 days ago, so this one is not sent. If many come so late, ask "
    "the network why, or see how long visitors take to agree.",
    DELIVERY,
)


BROKEN_LINK = Step(
    "Correct the URL in the ad: copy the link for the TikTok ad from the offer's page, with its macros as they are. "
    "This sale is told, but not what of the ad the macros stand for.",
    OFFER,
    "identifiers_few",
)


def is_of_a_broken_link(case: Case) -> bool:
    """Whether the ad's click came with a macro that TikTok did not replace."""
    return bool(case.click and macros_left(case.click.landing_url))


def step_for(case: Case, ruling: Ruling) -> NextStep:
    """The step about the ruling's cause, with a link where the case has a page to open."""
    step = STEPS[ruling.cause]
    if case.postback and ruling.cause == Cause.TEST:
        step = Step("Nothing to do: the network tried its postback URL. No such call is a sale.", POSTBACK)
    if ruling.cause == Cause.SAME_SALE and isinstance(ruling.about, Conversion):
        step = Step(*told_twice(case, ruling.about), code=step.code)
    if ruling.cause == Cause.TOO_OLD and case.delivery and case.delivery.status == Delivery.Status.SUPPRESSED:
        step = TOO_LATE
    if ruling.verdict == Verdict.DELIVERED and ruling.cause == Cause.PIXEL_ONLY:
        step = STEPS[Cause.TOLD]
    if step.text == NOTHING and is_of_a_broken_link(case):
        step = BROKEN_LINK
    link = step.place.address(case, ruling) if step.place else ""
    runbook = f"{RUNBOOK}#{step.code}" if step.code else f"{GUIDE}#{ruling.cause}"
    if not step.place or not link:
        return NextStep(step.text, runbook=runbook)
    return NextStep(step.text, step.place.do, link, step.place.permission, runbook)
