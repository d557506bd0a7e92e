"""The rows behind a finding that people look up by name."""

from collections.abc import Iterable
from datetime import datetime

from conversions.models import Conversion
from dispatch.rollups.doubles import doubles_among
from offers.models import EventRule, Offer

NAMED = 3


def doubled_event_ids(offer: Offer, since: datetime) -> list[str]:
    """The newest event_ids under which a sale of the offer was told again; six queries along indexes."""
    rules = EventRule.objects.filter(offer=offer).exclude(trigger=EventRule.Trigger.PAGE)
    rows = Conversion.objects.filter(offer=offer, created_at__gte=since, is_test=False)
    keys = doubles_among(rows, offer.network_id, set(rules.values_list("event_name", flat=True)))
    newest = Conversion.objects.filter(pk__in=sorted(keys)[-NAMED:]).order_by("-pk")
    return [str(event_id) for event_id in newest.values_list("event_id", flat=True)]


def named(event_ids: Iterable[str], count: int) -> str:
    """As a sentence; empty where none was found."""
    shown = list(event_ids)
    more = f" and {count - len(shown):,} more" if count > len(shown) else ""
    return f" The event_id{'s' if count > 1 else ''}: {', '.join(shown)}{more}." if shown else ""
