"""Sales that a network tells again under another transaction: same click, same money, within minutes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db.models import Exists, OuterRef

from conversions.models import Conversion, LedgerEntry, Postback
from conversions.networks.generic import values_of
from offers.models import Network

ENTRIES = Exists(LedgerEntry.objects.filter(conversion=OuterRef("pk")))
A_MOMENT = timedelta(minutes=5)
"""Whoever buys twice for the same money takes longer."""
SALE = ("event_name", "click_id", "kind", "network_event", "payout", "currency", "amount")
"""What two calls about one sale have in common, whatever they call its transaction."""
Words = Mapping[int, str]
"""The network's own word for the event, by conversion; where its call is no longer kept nothing is known to agree."""


def told_again(keys: Iterable[int]) -> set[int]:
    """Those of these conversions that tell an older one again; the words of their calls decide.

    `keys` may hold others of the same money as well: two goals that pay the same are two sales.
    """
    wanted = set(keys)
    if not wanted:
        return wanted
    clicks = Conversion.objects.filter(pk__in=wanted).order_by().values("click_id")
    of_click: dict[str, list[Conversion]] = defaultdict(list)
    for row in Conversion.objects.filter(ENTRIES, click__in=clicks, is_test=False):
        of_click[row.click_id].append(row)
    words = words_of(row.pk for rows in of_click.values() for row in rows)
    rows = [row for rows in of_click.values() for row in rows if row.pk in wanted]
    return {row.pk for row in rows if any(is_renamed(row, other, words) for other in of_click[row.click_id])}


def words_of(keys: Iterable[int]) -> dict[int, str]:
    """One query: what the first call about each conversion names the event, in small letters; empty if nothing."""
    entries = LedgerEntry.objects.filter(conversion__in=list(keys), postback__isnull=False).order_by("-pk")
    rows = entries.select_related("postback", "network")
    return {entry.conversion_id: word_of(entry.postback, entry.network) for entry in rows if entry.postback}


def word_of(call: Postback, network: Network) -> str:
    """With what follows the transaction in formats that tell the items of one order apart by it."""
    word = values_of(call.params, network)["event"].casefold()
    return f"{word} {call.transaction_id.partition('-')[2]}" if network.format.joins_transactions else word


def is_renamed(conversion: Conversion, other: Conversion, words: Words) -> bool:
    """Whether the other one is older and tells the same under another transaction. Both are told by the network."""
    if conversion.transaction_id == other.transaction_id or conversion.payout is None or other.pk >= conversion.pk:
        return False
    is_close = timedelta(0) <= conversion.created_at - other.created_at <= A_MOMENT
    is_near = abs(conversion.occurred_at - other.occurred_at) <= A_MOMENT
    named = {words.get(row.pk, f"of {row.pk}") for row in (conversion, other)}
    is_alike = all(getattr(other, name) == getattr(conversion, name) for name in SALE)
    return is_close and is_near and is_alike and len(named) < 2
