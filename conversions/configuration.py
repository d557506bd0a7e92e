"""Configuration as hot paths see it: read once, kept for a few seconds in this process."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from offers.models import Network, Offer

KEEP_SECONDS = 3.0
Row = TypeVar("Row")


class ShortLivedCache(Generic[Row]):
    """Rows by slug for a few seconds. Missing rows are not kept, so a new offer works at once."""

    def __init__(self, load: Callable[[str], Row | None]) -> None:
        self.load = load
        self.rows: dict[str, tuple[float, Row]] = {}

    def get(self, slug: str) -> Row | None:
        kept = self.rows.get(slug)
        if kept and kept[0] > time.monotonic():
            return kept[1]
        return self.refresh(slug)

    def last_known(self, slug: str) -> Row | None:
        """The row as it was read last, however long ago; for when the database is away."""
        kept = self.rows.get(slug)
        return kept[1] if kept else None

    def refresh(self, slug: str) -> Row | None:
        """Read the row now, whatever is kept."""
        row = self.load(slug)
        if row is None:
            self.rows.pop(slug, None)
        else:
            self.rows[slug] = (time.monotonic() + KEEP_SECONDS, row)
        return row


def load_network(slug: str) -> Network | None:
    return Network.objects.live().filter(slug=slug).first()


def load_offer(slug: str) -> Offer | None:
    return Offer.objects.live().select_related("pixel", "network", "fallback_offer").filter(slug=slug).first()


networks = ShortLivedCache(load_network)
offers = ShortLivedCache(load_offer)
full: dict[int, tuple[float, bool]] = {}
"""What caps.py found, by offer: until when it is believed, and whether the offer is full."""


def forget() -> None:
    """Drop what this process keeps; the next look reads the database."""
    networks.rows.clear()
    offers.rows.clear()
    full.clear()
