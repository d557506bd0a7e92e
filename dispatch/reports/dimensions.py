"""What reports tell apart, and how the sums are asked for it."""

from dataclasses import dataclass

GIVEN_NOT = "(not given)"
"""What stands for an empty value, in tables, addresses and files alike."""


@dataclass(frozen=True)
class Dimension:
    """One thing that reports group and filter by; `field` is where the sums have it, empty for times."""

    key: str
    label: str
    field: str = ""
    is_of_source: bool = False
    then: str = "day"

    @property
    def is_time(self) -> bool:
        return not self.field


def of_source(key: str, label: str, then: str) -> Dimension:
    return Dimension(key, label, f"source__{key}", True, then)


DIMENSIONS = {
    dimension.key: dimension
    for dimension in [
        Dimension("offer", "Offer", "offer_id", then="campaign_id"),
        Dimension("network", "Network", "offer__network_id", then="offer"),
        of_source("campaign_id", "Campaign", "ad_id"),
        of_source("ad_id", "Ad", "creative_id"),
        of_source("creative_id", "Creative", "landing_version"),
        of_source("landing_version", "Landing version", "variant"),
        of_source("variant", "Variant", "country"),
        of_source("country", "Country", "campaign_id"),
        Dimension("event", "Event", "event_name", then="offer"),
        Dimension("day", "Day", then="hour"),
        Dimension("hour", "Hour", then="offer"),
    ]
}
FILTERS = {key: dimension for key, dimension in DIMENSIONS.items() if not dimension.is_time}
NUMBERED = ("offer", "network")
"""Filters that name a row by its primary key."""

NARROW = frozenset({"offer", "campaign_id", "ad_id", "creative_id"})
"""Filters that leave so few sources that their half-hours may be read for weeks."""
