"""What to do about a sale that was told twice: it depends on who told each of the two, and under which clicks."""

from conversions.models import Conversion
from dispatch.diagnosis.case import Case
from dispatch.diagnosis.places import CONVERSION, NETWORK, Place
from offers.models import Network

NO_RECALL = "What has been told twice can't be called back."
PAGE_AND_NETWORK = (
    "Have the page name its sale by the network's transaction id, or by nothing: then page and postback end at one "
    f"event_id. {NO_RECALL}"
)
PAGE_AND_NETWORK_APART = (
    "A page told the sale under one click, and the network under another, so nothing joins them. Ask the network why "
    "it names that click: it has to send the one by which the visitor came to buy, in every call about the sale. "
    f"{NO_RECALL}"
)
PAGE_TWICE = (
    "A page called the event twice. Have it name the sale by something that a reload does not change, best by the "
    f"network's transaction id, or by nothing: then a repetition ends at the same event_id. {NO_RECALL}"
)
PAGE_TWICE_APART = (
    "Pages named one transaction under two clicks: the visitor came back by another click, and the page called the "
    f"event again. Have it call the event when the sale is made only, not whenever it is opened. {NO_RECALL}"
)
NETWORK_TWICE_APART = (
    "The network named two clicks for one transaction, in calls of different status, so each became a sale of its own; "
    "its setting for repetitions has no part in that. Ask it which click is the right one, and to send that one's id "
    f"in every call about the sale. {NO_RECALL}"
)
RENAMED = (
    "The network reported two sales of this click, for the same money and within five minutes, under two transaction "
    "ids. Compare the two in its own report. If they are one sale, ask it to send the same id in every call about a "
    f"sale. {NO_RECALL} If somebody did buy twice, there is nothing to do."
)
COUNTED = (
    "The network reported it under both. Ask it why; if they are one sale, choose on its page that a repetition is "
    f"ignored or taken over, not counted. {NO_RECALL}"
)
COUNTED_BEFORE = (
    "The network reported it under both, and each was counted, as its page said at the time. By now a repetition is "
    f"not counted any more, so there is nothing left to set. {NO_RECALL}"
)


def told_twice(case: Case, original: Conversion) -> tuple[str, Place]:
    """The words, and where to do it. `original` is what the case's conversion doubles."""
    is_apart = original.click_id != (case.click.pk if case.click else "")
    told = bool(case.entries), bool(case.evidence.entries[original.pk])
    if all(told):
        return (RENAMED if is_renamed(case, original) else by_network(case, is_apart)), NETWORK
    if any(told):
        return (PAGE_AND_NETWORK_APART if is_apart else PAGE_AND_NETWORK), CONVERSION
    return (PAGE_TWICE_APART if is_apart else PAGE_TWICE), CONVERSION


def is_renamed(case: Case, original: Conversion) -> bool:
    return bool(case.conversion and case.conversion.transaction_id != original.transaction_id)


def by_network(case: Case, is_apart: bool) -> str:
    """What it is of the network's, as its page is set now."""
    if case.network and case.network.duplicate_mode == Network.DuplicateMode.COUNT:
        return COUNTED
    return NETWORK_TWICE_APART if is_apart else COUNTED_BEFORE
