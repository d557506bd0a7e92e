"""All that is on record of some clicks and calls, read in a constant number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Model

from conversions.models import (
    Click,
    ConsentRecord,
    Conversion,
    Enrichment,
    LedgerEntry,
    Postback,
    Sighting,
)
from dispatch import waiting
from dispatch.diagnosis import refusals
from dispatch.diagnosis.doubles import original_of
from dispatch.diagnosis.finding import Found
from dispatch.findings.hush import Hush, hushes_among
from dispatch.models import Credential, Delivery, DeliveryAttempt, Heartbeat
from dispatch.rollups.renamed import words_of
from dispatch.standing import Standing
from offers.models import EventRule, Network

MOST = 200
Grouped = dict[Any, list[Any]]


@dataclass
class Evidence:
    """Rows by the key of what they belong to, the oldest first, and of each kind a bounded number.

    `refused` are the newest calls of the networks that led to nothing or wait to be digested; `originals` is what a
    conversion doubles; `is_alive` is whether any cluster of workers gives a sign of life; `hushes` tells, by network,
    of those that are silent when they usually call.
    """

    now: datetime
    clicks: dict[str, Click]
    conversions: dict[int, Conversion]
    postbacks: dict[int, Postback]
    is_alive: bool
    rules: Grouped
    consents: Grouped
    sightings: Grouped
    entries: Grouped
    enrichments: Grouped
    deliveries: Grouped
    attempts: Grouped
    credentials: Grouped
    waits: dict[int, list[Standing]]
    originals: dict[int, Conversion]
    refused: list[Postback]
    hushes: dict[int, Hush] = field(default_factory=dict)

    def conversions_of(self, click: Click) -> list[Conversion]:
        return [row for row in self.conversions.values() if row.click_id == click.pk]

    def postbacks_of(self, conversion: Conversion) -> list[Postback]:
        return [row for row in self.postbacks.values() if row.conversion_id == conversion.pk]

    def strays_of(self, click: Click) -> list[Postback]:
        """Calls that name the click and have led to no conversion, those that have changed its id included."""
        calls = {row.pk: row for row in [*self.postbacks.values(), *self.refused]}
        return [calls[key] for key in sorted(calls) if calls[key].conversion_id is None and is_of(calls[key], click)]

    def nameless_since(self, click: Click) -> list[Postback]:
        """Refused calls of the click's network that came after it and do not say which click they are about."""
        network = click.offer.network_id
        later = [row for row in self.refused if row.network_id == network and row.received_at >= click.created_at]
        return [row for row in later if refusals.is_about_somebody_unknown(row) and not is_of(row, click)]


def is_of(postback: Postback, click: Click) -> bool:
    return refusals.names(postback, [click.pk]) or refusals.is_changed(postback, click.pk)


def gather(found: Found, now: datetime) -> Evidence:
    """Everything about what was found, and about the clicks behind it."""
    clicks = Click.objects.select_related("offer__network", "offer__pixel", "capped_offer").in_bulk(found.click_ids)
    conversions = conversions_of(found, clicks)
    keys = list(conversions)
    deliveries = newest(Delivery, "pixel", "decided_by", conversion__in=keys)
    rules = EventRule.objects.filter(offer__in={click.offer_id for click in clicks.values()}).select_related("offer")
    rules_by_offer, entries = grouped(rules, "offer_id"), of_conversions(LedgerEntry, keys, "network")
    networks = sorted({click.offer.network_id for click in clicks.values()})
    originals = originals_of(conversions, rules_by_offer, entries)
    doubled = {row.pk for row in originals.values()} - conversions.keys()
    entries |= of_conversions(LedgerEntry, sorted(doubled), "network")
    return Evidence(
        now=now,
        clicks=clicks,
        conversions=conversions,
        postbacks=postbacks_of(found, clicks, keys),
        is_alive=Heartbeat.objects.any_alive(now),
        rules=rules_by_offer,
        consents=grouped(newest(ConsentRecord, click__in=list(clicks)), "click_id"),
        sightings=of_conversions(Sighting, keys),
        entries=entries,
        enrichments=of_conversions(Enrichment, keys),
        deliveries=grouped(deliveries, "conversion_id"),
        attempts=grouped(newest(DeliveryAttempt, delivery__in=[row.pk for row in deliveries]), "delivery_id"),
        credentials=grouped(newest(Credential, pixel__in={row.pixel_id for row in deliveries}), "pixel_id"),
        waits=waiting.reasons_of(deliveries, now),
        originals=originals,
        refused=[
            *refusals.newest(networks),
            *(refusals.waiting(now) if clicks else []),
        ],
        hushes={hush.network.pk: hush for hush in hushes_among(Network.objects.filter(pk__in=networks), now)},
    )


def newest(model: type[Model], *related: str, **of: Any) -> list[Any]:
    """The newest rows, the oldest of them first; one query however many there are."""
    rows = model._default_manager.filter(**of).order_by("-pk")
    return list(rows.select_related(*related)[:MOST] if related else rows[:MOST])[::-1]


def of_conversions(model: type[Model], keys: Sequence[int], *related: str) -> Grouped:
    return grouped(newest(model, *related, conversion__in=keys), "conversion_id")


def grouped(rows: Iterable[Any], attribute: str) -> Grouped:
    groups: Grouped = defaultdict(list)
    for row in rows:
        groups[getattr(row, attribute)].append(row)
    return groups


def conversions_of(found: Found, clicks: dict[str, Click]) -> dict[int, Conversion]:
    """All of the clicks, and those that were asked for however many others their clicks have."""
    rows = {row.pk: row for row in [*found.conversions, *newest(Conversion, click__in=list(clicks))]}
    for row in rows.values():
        row.click = clicks[row.click_id]
        row.offer = row.click.offer
    return {key: rows[key] for key in sorted(rows)}


def postbacks_of(found: Found, clicks: dict[str, Click], conversions: list[int]) -> dict[int, Postback]:
    """Calls that led to one of the conversions, or name one of the clicks."""
    by_conversion = newest(Postback, "network", conversion__in=conversions)
    by_click = Postback.objects.filter(click_ref__in=list(clicks)).exclude(click_ref="").select_related("network")
    rows = [*found.postbacks, *by_conversion, *by_click.order_by("-pk")[:MOST]]
    named = {row.pk: row for row in rows}
    return {key: named[key] for key in sorted(named)}


def originals_of(conversions: dict[int, Conversion], rules: Grouped, entries: Grouped) -> dict[int, Conversion]:
    """Of each conversion that is a double the one that it doubles; two queries."""
    wanted = {row.transaction_id for row in conversions.values()} - {""}
    elsewhere = Conversion.objects.filter(transaction_id__in=wanted).exclude(transaction_id="")
    others = {row.pk: row for row in elsewhere.select_related("offer").order_by("-pk")[:MOST]} | conversions
    words = words_of(others)
    found = {
        key: original_of(row, others.values(), entries, rules[row.offer_id], words) for key, row in conversions.items()
    }
    return {key: original for key, original in found.items() if original}
