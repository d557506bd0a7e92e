"""Which conversion is told under a second event_id, and of which other one it is the double. See docs/figures.md."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from conversions.models import Conversion
from dispatch.rollups.doubles import A_REPETITION
from dispatch.rollups.renamed import Words, is_renamed
from offers.models import EventRule


def original_of(
    conversion: Conversion,
    others: Iterable[Conversion],
    reported: Mapping[int, Sequence[object]],
    rules: Iterable[EventRule],
    words: Words,
) -> Conversion | None:
    """The other conversion of the same sale that was there first; None for one that stands alone.

    `reported` has the ledger entries of each conversion of the click by its key. The offers of all are loaded.
    """
    if conversion.is_test:
        return None
    has_postback_rule = any(
        rule.trigger != EventRule.Trigger.PAGE and rule.event_name == conversion.event_name for rule in rules
    )
    same = [
        other
        for other in others
        if other.pk != conversion.pk and not other.is_test and other.event_name == conversion.event_name
    ]
    found = [other for other in same if is_same_transaction(conversion, other)]
    of_click = [other for other in same if other.click_id == conversion.click_id]
    told = [other for other in of_click if reported.get(other.pk)]
    if not found and reported.get(conversion.pk):
        found = [other for other in told if is_renamed(conversion, other, words)]
    elif not found:
        found = told if conversion.occurrence_key and has_postback_rule else []
        found = found or [other for other in of_click if other not in told and is_repeated_page(conversion, other)]
    return min(found, key=lambda other: other.pk, default=None)


def is_same_transaction(conversion: Conversion, other: Conversion) -> bool:
    """Whether the other one is older, and of the same transaction of the same network."""
    return (
        bool(conversion.transaction_id)
        and other.pk < conversion.pk
        and (other.transaction_id, other.kind) == (conversion.transaction_id, conversion.kind)
        and other.offer.network_id == conversion.offer.network_id
    )


def is_repeated_page(conversion: Conversion, other: Conversion) -> bool:
    """Whether the same page has told the same value under another name within half an hour before."""
    if conversion.transaction_id or other.transaction_id or other.pk > conversion.pk:
        return False
    is_close = timedelta(0) <= conversion.created_at - other.created_at <= A_REPETITION
    return is_close and (other.page_url, other.page_value) == (conversion.page_url, conversion.page_value)
