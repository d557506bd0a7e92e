"""The one signal in the house. Losing it is harmless: the rows are the truth and are swept every second."""

from django.dispatch import Signal

conversions_recorded = Signal()


def announce() -> None:
    """Tell whoever listens that there are conversions to plan. Call it after the commit."""
    conversions_recorded.send(sender=None)
