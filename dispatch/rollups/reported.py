"""The conversions of one offer's half-hour, read once, with what the ledger says of each."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Case, Q, QuerySet, Value, When

from conversions.models import Conversion, LedgerEntry
from dispatch.models import Source
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.doubles import maybe_renamed, misnamed, of_same_transaction, repeated, repeated_without_value
from dispatch.rollups.prepared import prepared
from dispatch.rollups.renamed import told_again

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
    """Its conversions by their keys: seven queries at most, four where the network has told them all."""
    found = {values[0]: reported(values) for values in conversions(bucket)}
    if not found:
        return found
    for key, kind, payout, currency, moment in entries(bucket):
        if key in found:
            note_entry(found[key], kind, payout, currency, moment)
    for key in doubles(bucket, found) & found.keys():
        found[key].is_double = True
    return found


def reported(values: tuple[Any, ...]) -> Reported:
    own = dict(zip(COLUMNS, values, strict=False))
    return Reported(**own, source=values[len(COLUMNS) :])


def doubles(bucket: Bucket, found: dict[int, Reported]) -> set[int]:
    """As `doubles_among` says; a query for what nobody in here can be is left out."""
    keys = {key for (key,) in same_transactions(bucket)}
    are_told = {bool(conversion.reported_at) for conversion in found.values()}
    if True in are_told:
        keys |= told_again(key for (key,) in maybe_renamed_ones(bucket))
    if False not in are_told:
        return keys
    events = bucket.events(of_pages=False)
    keys |= {key for key, event_name in misnamed_ones(bucket) if event_name in events}
    return keys | {key for (key,) in (*repetitions(bucket), *repetitions_without_value(bucket))}


def rows_of(bucket: Bucket) -> "QuerySet[Conversion]":
    return Conversion.objects.filter(**bucket.during).order_by()


@prepared
def conversions(bucket: Bucket) -> "QuerySet[Any, Any]":
    """What `reported` makes of each."""
    return rows_of(bucket).annotate(**SAID).values_list(*COLUMNS.values(), *DIMENSIONS)


@prepared
def entries(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Of whose ledger, and what they say."""
    rows = LedgerEntry.objects.filter(**bucket.of_conversion).order_by()
    return rows.values_list("conversion_id", "kind", "payout", "currency", "created_at")


@prepared
def same_transactions(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Keys."""
    return of_same_transaction(rows_of(bucket), bucket.offer.network_id).values_list("pk")


@prepared
def maybe_renamed_ones(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Keys."""
    return maybe_renamed(rows_of(bucket)).values_list("pk")


@prepared
def misnamed_ones(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Keys and events."""
    return misnamed(rows_of(bucket)).values_list("pk", "event_name")


@prepared
def repetitions(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Keys."""
    return repeated(rows_of(bucket)).values_list("pk")


@prepared
def repetitions_without_value(bucket: Bucket) -> "QuerySet[Any, Any]":
    """Keys."""
    return repeated_without_value(rows_of(bucket)).values_list("pk")


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
