"""All sums once more, from objects and loops alone, as docs/figures.md words them; shares no code with the site's."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from conversions.models import Click, Conversion, Postback
from dispatch.models import Delivery, NetworkSlot, OfferSlot, SourceDay, SourceSlot, TellingDay, TellingSlot

DAY = timedelta(days=1)
DIMENSIONS = ["campaign_id", "ad_id", "creative_id", "landing_version", "variant", "country"]
COUNTS = [
    *("clicks", "robots", "tracked", "pending", "approved", "rejected", "partial", "refunded", "chargeback"),
    *("payout", "pending_payout", "sent", "accepted"),
]
OF_OFFER = [*COUNTS, "doubles", "expected", "unreported"]
OF_TELLING = [
    *("accepted", "waiting", "dead", "discarded", "held", "suppressed", "tried", "retried", "both_legs", "fired"),
    *("blocked", "with_ttclid", "with_ttp", "with_browser", "with_email", "with_phone", "with_external_id"),
]
Table = dict[tuple[Any, ...], dict[str, Any]]


def half_hour(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0)


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def recounted(now: datetime) -> dict[str, Table]:
    offers: Table = defaultdict(Counter)
    slots: Table = defaultdict(Counter)
    days: Table = defaultdict(Counter)
    rows = Conversion.objects.filter(is_test=False).select_related("click", "offer").order_by("pk")
    conversions = list(rows.prefetch_related("ledger_entries", "deliveries", "offer__event_rules"))
    for click in Click.objects.filter(is_test=False):
        name = "robots" if click.robot else "clicks"
        for row in rows_of(click, click.offer_id, click.created_at, ("", ""), offers, slots, days):
            row[name] += 1
    for conversion in conversions:
        key = (conversion.event_name, conversion.currency)
        of_all = rows_of(conversion.click, conversion.offer_id, conversion.created_at, key, offers, slots, days)
        for name, value in counted(conversion).items():
            for row in of_all:
                row[name] += value
        for name, value in of_the_offer(conversion, conversions, now).items():
            of_all[0][name] += value
    told = telling()
    return {
        "offers": offers,
        "slots": slots,
        "days": days,
        "telling": told,
        "delays": by_day(told),
        "networks": networks(),
    }


def rows_of(click: Click, offer: int, at: datetime, key: Any, offers: Table, slots: Table, days: Table) -> Any:
    source = tuple(getattr(click, name) for name in DIMENSIONS)
    slot = half_hour(at)
    by_slot, by_day = (offer, *source, slot, *key), (offer, *source, midnight(at), *key)
    return offers[(offer, slot, *key)], slots[by_slot], days[by_day]


def counted(c: Conversion) -> dict[str, Any]:
    deliveries = [d for d in c.deliveries.all() if not d.is_test]
    refunds = [e for e in c.ledger_entries.all() if e.kind in ("refunded", "partial") and e.currency == c.currency]
    earned = Decimal(0)
    if c.status in ("approved", "partial"):
        earned = (c.payout or 0) + sum((e.payout or Decimal(0)) for e in refunds)
    return {
        c.status: 1,
        "payout": earned,
        "pending_payout": (c.payout or 0) if c.status == "pending" else 0,
        "sent": any(d.first_sent_at or d.accepted_at for d in deliveries),
        "accepted": any(d.status == "accepted" for d in deliveries),
    }


def of_the_offer(c: Conversion, conversions: list[Conversion], now: datetime) -> dict[str, int]:
    rules = [rule for rule in c.offer.event_rules.all() if rule.event_name == c.event_name]
    pages = [rule for rule in rules if rule.trigger == "page"]
    entries = list(c.ledger_entries.all())
    is_double = any(doubles(c, d, len(rules) > len(pages)) for d in conversions if d.pk != c.pk)
    by_page = all(entry.created_at > c.created_at for entry in entries)
    expected = bool(pages) and len(rules) > len(pages) and by_page and not is_double and now - c.created_at >= DAY
    return {"doubles": is_double, "expected": expected, "unreported": expected and not entries}


def doubles(c: Conversion, d: Conversion, has_postback_rule: bool) -> bool:
    if d.event_name != c.event_name:
        return False
    same_network = c.offer.network_id == d.offer.network_id
    if c.transaction_id and same_network and c.transaction_id == d.transaction_id and c.kind == d.kind and d.pk < c.pk:
        return True
    if c.click_id != d.click_id:
        return False
    if c.ledger_entries.exists():
        return d.ledger_entries.exists() and is_renamed(c, d)
    if d.ledger_entries.exists():
        return bool(c.occurrence_key) and has_postback_rule
    is_same_page = (c.page_url, c.page_value) == (d.page_url, d.page_value)
    is_close = timedelta(0) <= c.created_at - d.created_at <= timedelta(minutes=30)
    return d.pk < c.pk and not c.transaction_id and not d.transaction_id and is_same_page and is_close


def is_renamed(c: Conversion, d: Conversion) -> bool:
    moment = timedelta(minutes=5)
    is_close = timedelta(0) <= c.created_at - d.created_at <= moment
    is_near = -moment <= c.occurred_at - d.occurred_at <= moment
    is_same = (c.kind, c.network_event, c.currency) == (d.kind, d.network_event, d.currency)
    is_same_money = c.payout is not None and (c.payout, c.amount) == (d.payout, d.amount)
    is_another = c.transaction_id != d.transaction_id and d.pk < c.pk and event_of(c) == event_of(d)
    return is_close and is_near and is_same and is_same_money and is_another


def event_of(c: Conversion) -> str:
    """What the first call about it names the event; the tests' networks say `event`, and all calls are kept."""
    entry = c.ledger_entries.order_by("pk").first()
    return str(entry.postback.params.get("event", "")) if entry and entry.postback else ""


def telling() -> Table:
    found: Table = {}
    rows = Delivery.objects.filter(is_test=False, conversion__is_test=False)
    rows = rows.select_related("conversion__click", "conversion__offer")
    for delivery in rows.prefetch_related("attempt_log", "conversion__sightings", "conversion__ledger_entries"):
        conversion = delivery.conversion
        key = (conversion.offer_id, delivery.pixel_id, half_hour(conversion.created_at))
        row = found.setdefault(key, {**dict.fromkeys(OF_TELLING, 0), "reasons": Counter(), "delays": Counter()})
        status = {"leased": "waiting"}.get(delivery.status, delivery.status)
        status = "waiting" if (status, delivery.reason) == ("held", "outcome_unknown") else status
        row[status] += 1
        if status in ("dead", "held", "suppressed"):
            row["reasons"][delivery.reason] += 1
        if status == "accepted" and delivery.accepted_at:
            row["delays"][str(int((delivery.accepted_at - conversion.created_at).total_seconds()))] += 1
        if status in ("accepted", "waiting", "dead", "discarded"):
            for name, value in of_due(delivery).items():
                row[name] += value
    return found


def by_day(told: Table) -> Table:
    found: Table = {}
    for (offer, pixel, at), row in told.items():
        if row["delays"]:
            day = found.setdefault((offer, pixel, midnight(at)), {"delays": Counter()})
            day["delays"].update(row["delays"])
    return found


def of_due(delivery: Delivery) -> dict[str, int]:
    c = delivery.conversion
    click, offer = c.click, c.offer
    verdicts = [attempt.verdict for attempt in delivery.attempt_log.all()]
    outcomes = {sighting.outcome for sighting in c.sightings.all()}
    pages = offer.event_rules.filter(trigger="page", event_name=c.event_name, legs="both")
    by_page = all(entry.created_at > c.created_at for entry in c.ledger_entries.all())
    called = c.page_value is not None or bool(c.page_properties) or by_page or not c.occurrence_key
    both = offer.tracking_mode == "both" and pages.exists() and called
    return {
        "tried": bool(verdicts),
        "retried": len([verdict for verdict in verdicts if verdict not in ("auth", "throttled")]) >= 2,
        "both_legs": both,
        "fired": both and "fired" in outcomes,
        "blocked": both and outcomes == {"blocked"},
        "with_ttclid": bool(click.ttclid),
        "with_ttp": bool(click.ttp),
        "with_browser": bool(click.user_agent and click.ip and not click.ip.startswith("10.")),
        "with_email": offer.send_email and bool(click.email_sha256 or c.email_sha256),
        "with_phone": offer.send_phone and bool(click.phone_sha256 or c.phone_sha256),
        "with_external_id": offer.send_external_id,
    }


def networks() -> Table:
    found: Table = defaultdict(Counter)
    for postback in Postback.objects.filter(is_test=False):
        found[postback.network_id, half_hour(postback.received_at), postback.outcome]["postbacks"] += 1
    return found


def stored() -> dict[str, Table]:
    source = [f"source__{name}" for name in DIMENSIONS]
    return {
        "offers": table(OfferSlot, ["offer", "starts_at", "event_name", "currency"], OF_OFFER),
        "slots": table(SourceSlot, ["offer", *source, "starts_at", "event_name", "currency"], COUNTS),
        "days": table(SourceDay, ["offer", *source, "starts_at", "event_name", "currency"], COUNTS),
        "telling": table(TellingSlot, ["offer", "pixel", "starts_at"], [*OF_TELLING, "reasons", "delays"]),
        "delays": table(TellingDay, ["offer", "pixel", "starts_at"], ["delays"]),
        "networks": table(NetworkSlot, ["network", "starts_at", "outcome"], ["postbacks"]),
    }


def table(model: Any, keys: list[str], columns: list[str]) -> Table:
    rows = model.objects.values_list(*keys, *columns)
    return {row[: len(keys)]: dict(zip(columns, row[len(keys) :], strict=True)) for row in rows}


def assert_exact(now: datetime) -> None:
    """The stored sums are those of the rows, no more and no less."""
    expected, found = recounted(now), stored()
    for name, rows in found.items():
        assert rows.keys() == expected[name].keys(), name
        for key, columns in rows.items():
            both = {column: (value, expected[name][key][column]) for column, value in columns.items()}
            wrong = {column: pair for column, pair in both.items() if pair[0] != pair[1]}
            assert not wrong, (name, key, wrong)
