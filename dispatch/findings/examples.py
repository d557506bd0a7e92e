"""The rows behind a finding that people look up by name."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from conversions.ad_macros import as_text, macros_left
from conversions.models import Click, Conversion
from dispatch.health.looking import Asked, look
from dispatch.health.selecting import conversions
from offers.models import Offer

NAMED = 3
CLICKS_READ = 100


def doubled_event_ids(offer: Offer, since: datetime) -> list[str]:
    """The newest event_ids under which a sale of the offer was told again, out of the half-hours that have any."""
    offers = Offer.objects.filter(pk=offer.pk)
    rows = Conversion.objects.filter(offer=offer, created_at__gte=since)
    keys, _ = look(
        Asked("doubles", "created_at", offers, since=since),
        lambda where: conversions(rows.filter(where), "doubles", offers),
        NAMED,
    )
    newest = Conversion.objects.filter(pk__in=keys[:NAMED]).order_by("-pk")
    return [str(event_id) for event_id in newest.values_list("event_id", flat=True)]


def macros_of_the_ad(offer: Offer, since: datetime) -> str:
    """Whether clicks came with the ad's macros as they were written, as a sentence; one query along an index."""
    clicks = Click.objects.filter(offer=offer, created_at__gte=since, is_test=False).order_by("-created_at")
    left = [macros_left(url) for url in clicks.values_list("landing_url", flat=True)[:CLICKS_READ]]
    broken = [macros for macros in left if macros]
    if not broken:
        return ""
    most = Counter(item for macros in broken for item in macros.items()).most_common(NAMED)
    return (
        f" {len(broken):,} of the {len(left):,} newest clicks came with macros that TikTok did not replace "
        f"({as_text(item for item, _ in most)}): correct the URL in the ad."
    )


def named(event_ids: Iterable[str], count: int) -> str:
    """As a sentence; empty where none was found."""
    shown = list(event_ids)
    more = f" and {count - len(shown):,} more" if count > len(shown) else ""
    return f" The event_id{'s' if count > 1 else ''}: {', '.join(shown)}{more}." if shown else ""
