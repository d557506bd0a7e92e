"""Half-hours whose sums have to be made anew."""

from collections.abc import Iterable


def mark_stale(conversion_keys: Iterable[int]) -> None:
    """Have the half-hours of these conversions made anew, with the transaction that is open, if one is."""
