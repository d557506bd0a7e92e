"""Half-hours, in UTC: what the sums are kept by."""

from datetime import UTC, datetime

from dispatch.models.rollup import SLOT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slot_of(moment: datetime) -> datetime:
    """The beginning of the half-hour that an aware moment is in."""
    return EPOCH + (moment - EPOCH) // SLOT * SLOT


def day_of(moment: datetime) -> datetime:
    """The beginning of its day in UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
