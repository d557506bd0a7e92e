"""Making the sums of one half-hour anew, whole, from the rows. Twice is as good as once, and two may do it at once."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Sum

from conversions.models import Postback
from dispatch.models import NetworkSlot, OfferSlot, SourceDay, SourceSlot, StaleSlot, TellingDay, TellingSlot
from dispatch.models.rollup import SLOT, Traffic
from dispatch.models.stale_slot import EPOCH, pieces
from dispatch.rollups import lasting, promises, reported
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.rules import bucket_of
from dispatch.rollups.slots import ONE_DAY, day_of
from dispatch.rollups.sources import keys_of
from dispatch.rollups.storing import Columns, Difference, Key, Sheet
from dispatch.rollups.telling import OF_TELLING, told_by_pixel
from dispatch.rollups.traffic import OF_OFFER, OF_TRAFFIC, Sent, only, sums_of_sources, together

CENT = Decimal("0.01")
OF_SOURCE = ("source_id", "event_name", "currency")
LARGEST = 2**31
Counted = dict[Key, Columns]


def make_offer(offer_id: int, starts_at: datetime, now: datetime) -> list[Difference]:
    """Make an offer's half-hour anew, with what its day adds up; what was not so before.

    The marks go first: what is changed after that, rules included, has left a mark that stays.
    """
    with transaction.atomic():
        alone(offer_id, day_of(starts_at))
        StaleSlot.objects.filter(offer=offer_id, starts_at=starts_at).delete()
        found = []
        for sheet, counted in sheets_of_offer(bucket_of(offer_id, starts_at, now), make=True):
            found += put_right(sheet, counted)
        touched = {difference.key[2] for difference in found if difference.table == "SourceSlot"}
        for part in pieces(sorted(touched)):
            found += put_right(*sheet_of_day(offer_id, starts_at, part))
        if any(difference.table == "TellingSlot" and difference.has("delays") for difference in found):
            found += put_right(*delays_of_day(offer_id, starts_at))
    return found


def check_offer(bucket: Bucket) -> list[Difference]:
    """What would be changed by making it anew, but for its day; nothing is."""
    sheets = sheets_of_offer(bucket, make=False)
    return [difference for sheet, counted in sheets for difference in sheet.differences(counted)]


def check_day(offer_id: int, day: datetime) -> list[Difference]:
    """Where an offer's day is not the sum of its half-hours."""
    return [difference for sheet, counted in sheets_of_day(offer_id, day) for difference in sheet.differences(counted)]


def make_day(offer_id: int, day: datetime) -> list[Difference]:
    """Make an offer's day anew from its half-hours; what was not so before."""
    with transaction.atomic():
        alone(offer_id, day)
        return [difference for sheet in sheets_of_day(offer_id, day) for difference in put_right(*sheet)]


def make_network(network_id: int, starts_at: datetime, now: datetime) -> list[Difference]:
    """Make a network's half-hour anew; what was not so before."""
    with transaction.atomic():
        alone(-network_id, day_of(starts_at))
        StaleSlot.objects.filter(network=network_id, starts_at=starts_at).delete()
        return put_right(*sheet_of_network(network_id, starts_at, now))


def check_network(network_id: int, starts_at: datetime, now: datetime) -> list[Difference]:
    """What would be changed by making it anew; nothing is."""
    sheet, counted = sheet_of_network(network_id, starts_at, now)
    return sheet.differences(counted)


def alone(key: int, day: datetime) -> None:
    """Have nobody else make sums of the same day: the day of a source is made from the half-hours that others make.

    On SQLite the transaction itself is the lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [key % LARGEST, (day - EPOCH).days])


def put_right(sheet: Sheet, counted: Counted) -> list[Difference]:
    found = sheet.differences(counted)
    if found:
        sheet.write(counted)
    return found


def sheets_of_offer(bucket: Bucket, make: bool) -> Iterable[tuple[Sheet, Counted]]:
    """What should be stored of an offer's half-hour."""
    conversions, promised = reported.read(bucket), promises.read(bucket)
    sources = sums_of_sources(bucket, conversions.values(), Sent.by(promised))
    fixed: Columns = {"offer_id": bucket.offer.pk, "starts_at": bucket.starts_at}
    yield sheet(OfferSlot, fixed, OF_SOURCE[1:], (*OF_TRAFFIC, *OF_OFFER)), dict(together(sources))
    keys = keys_of(bucket.offer.pk, {source for source, _, _ in sources}, make)
    of_sources = {(keys[source], *rest): sums for (source, *rest), sums in only(OF_TRAFFIC, sources).items()}
    yield sheet(SourceSlot, fixed, OF_SOURCE, OF_TRAFFIC), of_sources
    tellings = sheet(TellingSlot, fixed, ("pixel_id",), (*OF_TELLING, "reasons", "delays"))
    yield tellings, tellings_of(bucket, conversions, promised, tellings)


def sheet(model: Any, fixed: Columns, names: tuple[str, ...], columns: tuple[str, ...]) -> Sheet:
    return Sheet(model.objects.filter(**fixed), fixed, names, columns)


def tellings_of(
    bucket: Bucket, conversions: dict[int, reported.Reported], promised: list[promises.Promise], stored_in: Sheet
) -> Counted:
    stored = stored_in.stored
    counted: Counted = {}
    for pixel_id, told in told_by_pixel(bucket, conversions, promised).items():
        key, columns = (pixel_id,), told.columns()
        before = stored[key][1] if key in stored else None
        lasting.keep_of_telling(columns, before, bucket.starts_at, told.oldest_click, bucket.now)
        counted[key] = columns
    return counted


def sheets_of_day(offer_id: int, day: datetime) -> list[tuple[Sheet, Counted]]:
    """What should be stored of an offer's day in UTC."""
    return [sheet_of_day(offer_id, day), delays_of_day(offer_id, day)]


def delays_of_day(offer_id: int, moment: datetime) -> tuple[Sheet, Counted]:
    """The delays of its half-hours together, by pixel."""
    day = day_of(moment)
    slots = TellingSlot.objects.filter(offer=offer_id, starts_at__gte=day, starts_at__lt=day + ONE_DAY)
    found: dict[Key, Counter[str]] = defaultdict(Counter)
    for pixel_id, delays in slots.exclude(delays={}).order_by().values_list("pixel_id", "delays"):
        found[(pixel_id,)].update(delays)
    fixed: Columns = {"offer_id": offer_id, "starts_at": day}
    return sheet(TellingDay, fixed, ("pixel_id",), ("delays",)), {
        key: {"delays": dict(of)} for key, of in found.items()
    }


def sheet_of_day(offer_id: int, moment: datetime, sources: list[int] | None = None) -> tuple[Sheet, Counted]:
    """What should be stored of an offer's day in UTC by source: of some, or of all."""
    day = day_of(moment)
    of: Columns = {"offer_id": offer_id} | ({} if sources is None else {"source__in": sources})
    slots = SourceSlot.objects.filter(starts_at__gte=day, starts_at__lt=day + ONE_DAY, **of)
    summed = slots.order_by().values_list(*OF_SOURCE).annotate(*(Sum(name) for name in OF_TRAFFIC))
    counted = {values[:3]: rounded(dict(zip(OF_TRAFFIC, values[3:], strict=True))) for values in summed}
    rows = SourceDay.objects.filter(starts_at=day, **of)
    return Sheet(rows, {"offer_id": offer_id, "starts_at": day}, OF_SOURCE, OF_TRAFFIC), counted


def rounded(columns: Columns) -> Columns:
    """SQLite adds money up as floating point numbers."""
    return columns | {name: columns[name].quantize(CENT) for name in Traffic.MONEY}


def sheet_of_network(network_id: int, starts_at: datetime, now: datetime) -> tuple[Sheet, Counted]:
    """What should be stored of a network's half-hour."""
    received = {"received_at__gte": starts_at, "received_at__lt": starts_at + SLOT}
    rows = Postback.objects.filter(network=network_id, is_test=False, **received).order_by()
    counted: Counted = {
        (outcome,): {"postbacks": count} for outcome, count in rows.values_list("outcome").annotate(Count("pk"))
    }
    slots = sheet(NetworkSlot, {"network_id": network_id, "starts_at": starts_at}, ("outcome",), ("postbacks",))
    stored = {key: columns for key, (_, columns) in slots.stored.items()}
    lasting.keep_of_network(counted, stored, starts_at, now)
    return slots, counted
