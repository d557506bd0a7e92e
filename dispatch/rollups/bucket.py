"""What is counted at once: one offer's half-hour."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatch.models.rollup import SLOT
from offers.models import EventRule, Offer


@dataclass(frozen=True)
class Bucket:
    """One offer's half-hour, with the rules that stand now."""

    offer: Offer
    rules: list[EventRule]
    starts_at: datetime
    now: datetime

    @property
    def during(self) -> dict[str, Any]:
        """Which rows belong to it, by their `offer` and `created_at`."""
        ends_at = self.starts_at + SLOT
        return {"offer": self.offer.pk, "created_at__gte": self.starts_at, "created_at__lt": ends_at, "is_test": False}

    @property
    def of_conversion(self) -> dict[str, Any]:
        """The same for rows that point to a conversion."""
        return {f"conversion__{name}": value for name, value in self.during.items()}

    def events(self, of_pages: bool) -> set[str]:
        """The events that a page may call, or those that a postback may tell."""
        return {rule.event_name for rule in self.rules if (rule.trigger == EventRule.Trigger.PAGE) == of_pages}

    @property
    def on_both_legs(self) -> set[str]:
        """The events that a page calls and that go over both legs."""
        pages = [rule for rule in self.rules if rule.trigger == EventRule.Trigger.PAGE]
        return {rule.event_name for rule in pages if rule.uses("pixel") and rule.uses("server")}
