"""The sums of `rollups.fill()`, made by the database in bulk, as rebuild_rollups takes its time with millions."""

import random
from collections import defaultdict
from datetime import timedelta

from django.db import connection

from conversions.models import Click
from dispatch import clock
from dispatch.models import OfferSlot, Source, Watermark
from dispatch.rollups import making
from dispatch.rollups.bucket import Bucket
from dispatch.rollups.keeping import NAMES
from dispatch.rollups.rules import rules_of
from dispatch.rollups.slots import day_of
from dispatch.rollups.sources import keys_of

CHECKED = 5


def sum_in_bulk() -> None:
    """Raises RuntimeError when some half-hours drawn at random are not what the site itself would make."""
    sources = defaultdict(set)
    for offer, *values in Click.objects.order_by().values_list("offer_id", *Source.DIMENSIONS).distinct():
        sources[offer].add(tuple(values))
    for offer, found in sources.items():
        keys_of(offer, found, make=True)
    day_old = clock.now() - timedelta(days=1)
    with connection.cursor() as cursor:
        for sql in SUMS:
            cursor.execute(sql, {"day_old": day_old})
    Watermark.objects.bulk_create(Watermark(table=name, looked_at=clock.now()) for name in NAMES)
    check()


def check() -> None:
    slots = OfferSlot.objects.filter(event_name="Purchase").select_related("offer").order_by("pk")
    drawn = random.sample(range(slots.count()), CHECKED)
    for slot in (slots[place] for place in drawn):
        rules = rules_of([slot.offer])[slot.offer_id]
        wrong = making.check_offer(Bucket(slot.offer, rules, slot.starts_at, clock.now()))
        wrong += making.check_day(slot.offer_id, day_of(slot.starts_at))
        if wrong:
            raise RuntimeError(f"the sums are not the site's own: {wrong[:3]}")


SUMS = (
    """
INSERT INTO dispatch_sourceslot (offer_id, source_id, starts_at, event_name, currency, clicks, robots, tracked, pending,
    approved, rejected, partial, refunded, chargeback, payout, pending_payout, sent, accepted)
SELECT click.offer_id, source.id, date_bin('30 minutes', created_at, 'epoch'), '', '',
    count(*) FILTER (WHERE robot = ''), count(*) FILTER (WHERE robot <> ''), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM conversions_click AS click
JOIN dispatch_source AS source USING (offer_id, campaign_id, ad_id, creative_id, landing_version, variant, country)
GROUP BY 1, 2, 3
""",
    """
INSERT INTO dispatch_sourceslot (offer_id, source_id, starts_at, event_name, currency, clicks, robots, tracked, pending,
    approved, rejected, partial, refunded, chargeback, payout, pending_payout, sent, accepted)
SELECT click.offer_id, source.id, date_bin('30 minutes', sale.created_at, 'epoch'), event_name, currency, 0, 0, 0, 0,
    count(*), 0, 0, 0, 0, sum(payout), 0, count(*), count(*)
FROM conversions_conversion AS sale
JOIN conversions_click AS click ON click.id = sale.click_id
JOIN dispatch_source AS source ON source.offer_id = click.offer_id
    AND (source.campaign_id, source.ad_id, source.creative_id, source.landing_version, source.variant, source.country)
    = (click.campaign_id, click.ad_id, click.creative_id, click.landing_version, click.variant, click.country)
GROUP BY 1, 2, 3, 4, 5
""",
    """
INSERT INTO dispatch_sourceday (offer_id, source_id, starts_at, event_name, currency, clicks, robots, tracked, pending,
    approved, rejected, partial, refunded, chargeback, payout, pending_payout, sent, accepted)
SELECT offer_id, source_id, date_trunc('day', starts_at, 'UTC'), event_name, currency, sum(clicks), sum(robots), 0, 0,
    sum(approved), 0, 0, 0, 0, sum(payout), 0, sum(sent), sum(accepted)
FROM dispatch_sourceslot GROUP BY 1, 2, 3, 4, 5
""",
    """
INSERT INTO dispatch_offerslot (offer_id, starts_at, event_name, currency, clicks, robots, tracked, pending, approved,
    rejected, partial, refunded, chargeback, payout, pending_payout, sent, accepted, doubles, expected, unreported)
SELECT offer_id, starts_at, event_name, currency, sum(clicks), sum(robots), 0, 0, sum(approved), 0, 0, 0, 0,
    sum(payout), 0, sum(sent), sum(accepted), 0, 0, 0
FROM dispatch_sourceslot GROUP BY 1, 2, 3, 4
""",
    """
UPDATE dispatch_offerslot AS slot SET doubles = counted.doubles, expected = due, unreported = missing
FROM (
    SELECT offer_id, date_bin('30 minutes', created_at, 'epoch') AS starts_at,
        count(*) FILTER (WHERE is_double) AS doubles,
        count(*) FILTER (WHERE NOT is_double AND created_at <= %(day_old)s) AS due,
        count(*) FILTER (WHERE NOT is_double AND created_at <= %(day_old)s AND is_missing) AS missing
    FROM (
        SELECT offer_id, created_at, row_number() OVER (PARTITION BY transaction_id ORDER BY id) > 1 AS is_double,
            NOT EXISTS (SELECT FROM conversions_ledgerentry AS entry WHERE conversion_id = sale.id) AS is_missing
        FROM conversions_conversion AS sale
    ) AS sales
    GROUP BY 1, 2
) AS counted
WHERE slot.offer_id = counted.offer_id AND slot.starts_at = counted.starts_at AND slot.event_name <> ''
""",
    """
INSERT INTO dispatch_tellingslot (offer_id, pixel_id, starts_at, accepted, waiting, dead, discarded, held, suppressed,
    reasons, tried, retried, both_legs, fired, blocked, with_ttclid, with_ttp, with_browser, with_email, with_phone,
    with_external_id, delays)
SELECT offer_id, pixel_id, starts_at, sum(taken), 0, 0, 0, 0, 0, '{}', sum(taken), sum(retried), sum(taken), sum(fired),
    0, sum(taken), 0, sum(taken), 0, 0, 0, jsonb_object_agg(delay, taken)
FROM (
    SELECT sale.offer_id, pixel_id, date_bin('30 minutes', sale.created_at, 'epoch') AS starts_at,
        floor(extract(epoch FROM accepted_at - sale.created_at))::int AS delay, count(*) AS taken,
        count(seen.id) AS fired, count(first_try.id) AS retried
    FROM conversions_conversion AS sale JOIN dispatch_delivery AS delivery ON delivery.conversion_id = sale.id
    LEFT JOIN conversions_sighting AS seen ON seen.conversion_id = sale.id
    LEFT JOIN dispatch_deliveryattempt AS first_try
        ON first_try.delivery_id = delivery.id AND first_try.verdict = 'transient'
    GROUP BY 1, 2, 3, 4
) AS delayed
GROUP BY 1, 2, 3
""",
    """
INSERT INTO dispatch_tellingday (offer_id, pixel_id, starts_at, delays)
SELECT offer_id, pixel_id, starts_at, jsonb_object_agg(delay, taken)
FROM (
    SELECT offer_id, pixel_id, date_trunc('day', starts_at, 'UTC') AS starts_at, key AS delay, sum(value::int) AS taken
    FROM dispatch_tellingslot, jsonb_each_text(delays)
    GROUP BY 1, 2, 3, 4
) AS delayed
GROUP BY 1, 2, 3
""",
    """
INSERT INTO dispatch_networkslot (network_id, starts_at, outcome, postbacks)
SELECT network_id, date_bin('30 minutes', received_at, 'epoch'), outcome, count(*)
FROM conversions_postback GROUP BY 1, 2, 3
""",
)
