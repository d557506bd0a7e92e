"""Which half-hours have to be made anew: marks that whoever changes counted rows leaves in its own transaction."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import models

from conversions.models import Click, Conversion, Postback
from dispatch.models.rollup import SLOT
from offers.models import Network, Offer

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS = int(SLOT.total_seconds())
AT_ONCE = 900
"""Keys in one query: SQLite takes no more than about a thousand."""


class SlotNumber(models.Func):
    """How many half-hours lie between 1970 and the one that a moment is in."""

    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **options: Any) -> Any:
        """As PostgreSQL says it."""
        template = f"(floor(extract(epoch FROM %(expressions)s) / {SECONDS})::bigint)"
        return self.as_sql(compiler, connection, template=template, **options)

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> Any:
        """As SQLite says it, which knows no moments before 1970 here."""
        template = f"(CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / {SECONDS})"
        return self.as_sql(compiler, connection, template=template, **options)


def start_of(number: int) -> datetime:
    """The beginning of the half-hour of that number."""
    return EPOCH + number * SLOT


def pieces(keys: Iterable[Any]) -> Iterable[list[Any]]:
    """Keys in parts that fit into a query."""
    known = list(keys)
    return (known[start : start + AT_ONCE] for start in range(0, len(known), AT_ONCE))


class StaleSlotQuerySet(models.QuerySet["StaleSlot"]):
    """Marks are only ever added, by plain INSERTs: they wait for nobody, whoever marks the same half-hour meanwhile.

    One that stood there already would not do: it could be taken away before our own change is committed.
    """

    def mark(self, slots: Iterable[tuple[int, datetime]], network: bool = False) -> None:
        """Mark half-hours of offers, or of networks, by any moment in them."""
        column = "network_id" if network else "offer_id"
        numbered = {(key, (moment - EPOCH) // SLOT) for key, moment in slots}
        self.bulk_create(self.model(**{column: key}, starts_at=start_of(number)) for key, number in sorted(numbered))

    def mark_of(self, rows: "models.QuerySet[Any]", owner: str, moment: str, network: bool = False) -> None:
        """Mark the half-hours of rows: whose they are, and when they were recorded, stands in these columns."""
        found = rows.order_by().values_list(owner, SlotNumber(moment)).distinct()
        self.mark(((key, start_of(number)) for key, number in found), network)

    def mark_deliveries(self, rows: "models.QuerySet[Any]") -> None:
        """Mark those of deliveries' conversions; the rows are asked for at once, before they change."""
        self.mark_of(rows, "conversion__offer_id", "conversion__created_at")

    def mark_kin(self, keys: Iterable[int]) -> None:
        """Mark those of conversions and of what may be their doubles: of the same clicks or the same transactions."""
        for part in pieces(keys):
            found = list(Conversion.objects.filter(pk__in=part).order_by().values_list("click_id", "transaction_id"))
            clicks, transactions = {click for click, _ in found}, {transaction for _, transaction in found}
            self.mark_of(Conversion.objects.filter(click__in=clicks), "offer_id", "created_at")
            same = Conversion.objects.filter(transaction_id__in=transactions).exclude(transaction_id="")
            self.mark_of(same, "offer_id", "created_at")

    def mark_clicks(self, keys: Sequence[str]) -> None:
        """Mark those of clicks and of their conversions."""
        for part in pieces(keys):
            self.mark_of(Click.objects.filter(pk__in=part), "offer_id", "created_at")
            self.mark_of(Conversion.objects.filter(click__in=part), "offer_id", "created_at")

    def mark_postbacks(self, keys: Sequence[int]) -> None:
        """Mark the networks' half-hours of postbacks."""
        for part in pieces(keys):
            self.mark_of(Postback.objects.filter(pk__in=part), "network_id", "received_at", network=True)


class StaleSlot(models.Model):
    """A half-hour of an offer or of a network whose sums have to be made anew; unfinished work, in any number."""

    offer = models.ForeignKey(Offer, models.CASCADE, null=True, related_name="+")
    network = models.ForeignKey(Network, models.CASCADE, null=True, related_name="+")
    starts_at = models.DateTimeField()

    objects = StaleSlotQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.offer_id or self.network_id} at {self.starts_at:%Y-%m-%d %H:%M}"
