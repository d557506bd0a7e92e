"""The lines of a comparison: the way from our figure to theirs, step by step."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from conversions.models import Conversion
from dispatch.admin.report_table import conversions_url, money
from dispatch.reasons import Reason
from dispatch.reports.asking import Question
from dispatch.reports.difference_words import NETWORK, STATES, TIKTOK
from dispatch.reports.network_differences import LATE, Differences, Theirs
from dispatch.reports.tiktok_differences import TikTokDifferences
from offers.models import Offer

MAY_SEE_ROWS = "conversions.view_conversion"


@dataclass(frozen=True)
class Step:
    """One line of the way from our figure to theirs."""

    label: str
    count: str
    payout: str = ""
    words: str = ""
    link: str = ""
    is_sum: bool = False


def network_steps(
    found: Differences, theirs: Theirs, question: Question, offer: Offer, request: HttpRequest
) -> list[Step]:
    """Ours, each class, what is left, theirs: the counts and sums of all lines before the last one add up to it."""
    may = request.user.has_perm(MAY_SEE_ROWS)
    ours = link_of(offer, question, "recorded") if may else ""
    first = NETWORK["ours"]
    steps = [Step(first.label, f"{found.ours.count:,}", money(found.ours.payout), first.words, ours, True)]
    for key, words in NETWORK.items():
        amount = found.classes.get(key)
        if key == "ours" or (amount is None and key not in ("late", "early", "unusable")):
            continue
        count, payout = (amount.count, amount.payout) if amount else (0, Decimal(0))
        link = link_of(offer, question, words.rows, key) if may and words.rows and count else ""
        steps.append(Step(words.label, signed(count), signed_money(payout), words.words, link))
    left = found.unexplained
    steps.append(Step("Unexplained", signed(left.count), signed_money(left.payout), NETWORK_REST, ""))
    return [*steps, Step("Theirs", f"{theirs.count:,}", money(theirs.payout), "", "", True)]


NETWORK_REST = (
    "Nothing recorded here explains this. Take the network's list of conversions and compare it row by row under "
    "Uploads: it names each one that is missing on either side."
)
TIKTOK_REST = (
    "Nothing recorded here explains this. TikTok's figures settle for up to a day or two; its own filters, events that "
    "other senders tell under the same pixel, and modelled conversions are in its number only."
)


def tiktok_steps(found: TikTokDifferences, theirs: int, request: HttpRequest) -> list[Step]:
    may = request.user.has_perm("dispatch.view_delivery")
    recorded, accepted = TIKTOK["recorded"], TIKTOK["accepted"]
    steps = [Step(recorded.label, f"{found.recorded:,}", "", recorded.words, "", True)]
    for (state, reason), count in sorted(found.untold.items(), key=lambda item: -item[1]):
        steps.append(untold_step(state, reason, count, may))
    steps.append(Step(accepted.label, f"{found.accepted:,}", "", accepted.words, "", True))
    for key, words in TIKTOK.items():
        if words.rows == "shift" and found.shifts[key]:
            steps.append(Step(words.label, signed(found.shifts[key]), "", words.words))
    steps.append(Step("Unexplained", signed(found.unexplained), "", TIKTOK_REST))
    return [*steps, Step("Theirs", f"{theirs:,}", "", "", "", True)]


def untold_step(state: str, reason: str, count: int, may: bool) -> Step:
    label = STATES[state].label + (f": {Reason(reason).label}" if reason in Reason.values else "")
    words = Reason(reason).advice if reason in Reason.values else STATES[state].words
    params = {"status__exact": state, **({"reason__exact": reason} if reason else {})}
    link = f"{reverse('admin:dispatch_delivery_changelist')}?{urlencode(params)}" if may and state else ""
    return Step(label, signed(-count), "", words, link)


def signed(count: int) -> str:
    return f"{count:+,}" if count else "0"


def signed_money(amount: Decimal) -> str:
    return f"{amount:+,.2f}" if amount else "0.00"


def link_of(offer: Offer, question: Question, rows: str, key: str = "") -> str:
    """The list of conversions, as near to the class as its filters come."""
    if rows == "inbox":
        return f"{reverse('admin:conversions_postback_changelist')}?network__id__exact={offer.network_id}"
    period = question.period
    since, until = (period.until, period.until + LATE) if rows == "after" else (period.since, period.until)
    status = {"status__exact": key} if key in Conversion.Status.values else {}
    return conversions_url(since, until, offer__id__exact=offer.pk, **status)
