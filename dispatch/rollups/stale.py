"""Half-hours whose sums have to be made anew, marked by whoever changes rows that were counted already.

New rows need no mark: `dispatch.rollups.following` finds them. Marks are plain INSERTs in the transaction that is open.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.dispatch import receiver

from conversions.models import Conversion
from conversions.signals import counted_rows_changed
from dispatch.models import StaleSlot


def mark_stale(conversions: Iterable[Conversion]) -> None:
    """Have the half-hours of these conversions made anew, with the transaction that is open, if one is."""
    StaleSlot.objects.mark((conversion.offer_id, conversion.created_at) for conversion in conversions)


@receiver(counted_rows_changed, dispatch_uid="mark half-hours")
def mark_changed(
    clicks: Sequence[str] = (), conversions: Sequence[int] = (), postbacks: Sequence[int] = (), **kwargs: Any
) -> None:
    """Have those made anew that hold what others have changed."""
    StaleSlot.objects.mark_clicks(clicks)
    StaleSlot.objects.mark_kin(conversions)
    StaleSlot.objects.mark_postbacks(postbacks)
