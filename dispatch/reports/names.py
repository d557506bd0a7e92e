"""What the values of a line are called."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.reports.dimensions import GIVEN_NOT
from offers.models import Offer


@dataclass(frozen=True)
class Names:
    """Names of offers and networks by primary key, in their order."""

    offers: dict[int, str]
    networks: dict[int, str]

    def of(self, key: str, value: Any, zone: ZoneInfo) -> str:
        """A value as people read it; `key` is that of its dimension."""
        if key in ("offer", "network"):
            known = self.offers if key == "offer" else self.networks
            return known.get(value, f"{key} {value}")
        if key == "hour":
            return hour_name(value.astimezone(zone))
        return f"{value:%a %-d %b %Y}" if isinstance(value, date) else value or GIVEN_NOT


def hour_name(hour: datetime) -> str:
    return f"{hour:%a %-d %b, %H:%M}{' (again)' if hour.fold else ''}"


def names() -> Names:
    """One query; offers without a network there are none."""
    rows = Offer.objects.order_by("name", "pk").values_list("pk", "name", "network", "network__name")
    found = list(rows)
    networks = {key: name for _, _, key, name in sorted(found, key=lambda row: (row[3], row[2]))}
    return Names({pk: name for pk, name, _, _ in found}, networks)


def in_address(value: Any) -> str:
    """A value as an address asks for it."""
    return GIVEN_NOT if value == "" else str(value)


def plain(key: str, value: Any, zone: ZoneInfo) -> str:
    """A value as files and programs read it: days and hours in ISO 8601, hours with their distance from UTC."""
    if key == "hour":
        return str(value.astimezone(zone).isoformat(timespec="minutes"))
    return str(value)
