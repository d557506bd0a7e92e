"""The conversions of one offer's half-hour, read once, with what the ledger says of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When

from conversions.models import Conversion, LedgerEntry
from dispatch.models import Source
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.doubles import doubles_among, same_transactions

Status = Conversion.Status
SOLD = frozenset({Status.APPROVED, Status.PARTIAL})
TAKEN_BACK = (LedgerEntry.Kind.REFUND, LedgerEntry.Kind.PARTIAL)
NOTHING = Decimal(0)
DIMENSIONS = tuple(f"click__{name}" for name in Source.DIMENSIONS)
AS_THEY_ARE = ("event_name", "currency", "status", "payout", "occurrence_key", "created_at")
SAID_OF = ("page_called", "has_ttclid", "has_ttp", "has_agent", "has_email", "has_phone")
COLUMNS = {
    "key": "pk",
    **{name: name for name in (*AS_THEY_ARE, *SAID_OF)},
    "ip": "click__ip",
    "clicked_at": "click__created_at",
}
"""Where each field of Reported comes from, but for its source."""


@dataclass
class Reported:
    """What is counted of one conversion."""

    key: int
    event_name: str
    currency: str
    status: str
    payout: Decimal | None
    occurrence_key: str
    created_at: datetime
    page_called: bool
    has_ttclid: bool
    has_ttp: bool
    has_agent: bool
    ip: str | None
    has_email: bool
    has_phone: bool
    clicked_at: datetime
    source: tuple[str, ...]
    is_double: bool = False
    refunds: Decimal = NOTHING
    reported_at: list[datetime] = field(default_factory=list)

    @property
    def is_by_page(self) -> bool:
        """Whether a page told of it first: the network's entry, if there is one, came later."""
        return all(moment > self.created_at for moment in self.reported_at)

    @property
    def earned(self) -> Decimal:
        """What it pays after refunds; nothing while it is not approved."""
        return (self.payout or NOTHING) + self.refunds if self.status in SOLD else NOTHING

    @property
    def pending(self) -> Decimal:
        """What it may pay."""
        return self.payout or NOTHING if self.status == Status.PENDING else NOTHING


def read(bucket: Bucket) -> dict[int, Reported]:
    """Its conversions by their keys: six queries at most, three where the network has told them all."""
    rows = Conversion.objects.filter(**bucket.during).order_by()
    found = {conversion.key: conversion for conversion in conversions_of(rows)}
    if not found:
        return found
    entries = LedgerEntry.objects.filter(**bucket.of_conversion).order_by()
    columns = ("conversion_id", "kind", "payout", "currency", "created_at")
    for key, kind, payout, currency, moment in entries.values_list(*columns):
        if key in found:
            note_entry(found[key], kind, payout, currency, moment)
    for key in doubles(bucket, rows, found) & found.keys():
        found[key].is_double = True
    return found


def doubles(bucket: Bucket, rows: "QuerySet[Conversion]", found: dict[int, Reported]) -> set[int]:
    network_id = bucket.offer.network_id
    if all(conversion.reported_at for conversion in found.values()):
        return same_transactions(rows, network_id)
    return doubles_among(rows, network_id, bucket.events(of_pages=False))


def conversions_of(rows: "QuerySet[Conversion]") -> Iterator[Reported]:
    for values in rows.annotate(**SAID).values_list(*COLUMNS.values(), *DIMENSIONS):
        own = dict(zip(COLUMNS, values, strict=False))
        yield Reported(**own, source=values[len(COLUMNS) :])


def note_entry(of: Reported, kind: str, payout: Decimal | None, currency: str, moment: datetime) -> None:
    of.reported_at.append(moment)
    if kind in TAKEN_BACK and currency == of.currency:
        of.refunds += payout or NOTHING


def whether(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


SAID = {
    "page_called": whether(Q(page_value__isnull=False) | Q(page_properties__isnull=False)),
    "has_ttclid": whether(~Q(click__ttclid="")),
    "has_ttp": whether(~Q(click__ttp="")),
    "has_agent": whether(~Q(click__user_agent="")),
    "has_email": whether(~Q(click__email_sha256="") | ~Q(email_sha256="")),
    "has_phone": whether(~Q(click__phone_sha256="") | ~Q(phone_sha256="")),
}
