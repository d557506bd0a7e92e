"""What is told to apps that this one does not know. The rows are the truth."""

from collections.abc import Sequence

from django.dispatch import Signal

conversions_recorded = Signal()
"""There is something to plan. Losing it is harmless: the rows are swept every second."""

counted_rows_changed = Signal()
"""Rows have changed after they were recorded; sent in the transaction that changes them. See `recount`."""


def announce() -> None:
    """Tell whoever listens that there are conversions to plan. Call it after the commit."""
    conversions_recorded.send(sender=None)


def recount(clicks: Sequence[str] = (), conversions: Sequence[int] = (), postbacks: Sequence[int] = ()) -> None:
    """Have sums made anew of rows, by their primary keys, that may have been counted as they were before.

    To be called in the transaction that changes them, after the change.
    """
    if clicks or conversions or postbacks:
        counted_rows_changed.send(sender=None, clicks=clicks, conversions=conversions, postbacks=postbacks)
