"""What the sums cost: all made anew, and brought up to date after news, against one plain count of the same rows.

On PostgreSQL; `fill()` makes clicks and conversions by the million for other benchmarks, too.
"""

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from dispatch import clock
from dispatch.rollups.keeping import roll_up
from dispatch.rollups.walking import Walk
from offers.models import Offer
from tests.factories import make_click, make_network, make_offer, make_pixel

RULES = [
    {"trigger": "page", "event_name": "Purchase"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]


def main(clicks: int = 200_000, conversions: int = 20_000) -> None:
    if connection.vendor != "postgresql":
        print("only on PostgreSQL")
        return
    print(f"filled in {seconds(fill, clicks, conversions, days=2, offers=4):.1f} s")
    plain = min(seconds(count_plainly) for _ in range(3))
    slots, took = fill_sums()
    print(f"a plain count of {clicks:,} clicks and {conversions:,} conversions: {plain:.2f} s")
    print(f"all sums, in {slots} half-hours: {took:.2f} s, {took / plain:.1f} times as long")
    roll_up(clock.now(), seconds=600)
    print(f"nothing new: {seconds(roll_up, clock.now()) * 1000:.0f} ms")
    make_click(Offer.objects.first(), created_at=clock.now() - timedelta(minutes=1))
    print(f"one click in a half-hour of {clicks // (2 * 48 * 4):,}: {seconds(roll_up, clock.now()) * 1000:.0f} ms")


def seconds(act: Any, *args: Any, **options: Any) -> float:
    started = time.perf_counter()
    act(*args, **options)
    return time.perf_counter() - started


def fill_sums() -> tuple[int, float]:
    """Make all sums, as rebuild_rollups does; how many half-hours of the clock there were, and the seconds it took."""
    now, walk, count = clock.now(), Walk(), 0
    started = time.perf_counter()
    at = walk.before(now)
    while at is not None:
        walk.make(at, now)
        at, count = walk.before(at), count + 1
    return count, time.perf_counter() - started


def count_plainly() -> None:
    with connection.cursor() as cursor:
        for sql in PLAIN:
            cursor.execute(sql)
            cursor.fetchall()


def fill(clicks: int, conversions: int, days: int = 30, offers: int = 20) -> list[Offer]:
    """So many clicks and conversions, evenly over the last days and the offers, made by the database itself.

    Conversions came by a page, were told by a postback and accepted by TikTok at the first try, and the Pixel fired.
    One in 97 tells an earlier sale again, of one in 50 no postback came, one in 60 took two tries, and of one in 40
    the Pixel was not heard.
    """
    networks, pixels = [make_network() for _ in range(3)], [make_pixel() for _ in range(3)]
    made = [make_offer(RULES, network=networks[n % 3], pixel=pixels[n % 3]) for n in range(offers)]
    begin, step = timezone.now() - timedelta(days=days), timedelta(days=days)
    with connection.cursor() as cursor:
        for sql in FILL:
            cursor.execute(sql, values(made, clicks, conversions, begin, step))
        cursor.execute("ANALYZE")
    return made


def values(made: list[Offer], clicks: int, conversions: int, begin: datetime, step: timedelta) -> dict[str, Any]:
    return {
        "clicks": clicks,
        "conversions": conversions,
        "every": max(1, clicks // conversions),
        "begin": begin,
        "click_step": step / clicks,
        "offers": [offer.pk for offer in made],
        "count": len(made),
    }


FILL = (
    """
INSERT INTO conversions_click (id, offer_id, created_at, ttclid, ttp, utm_source, utm_medium, utm_campaign,
    utm_content, utm_term, campaign_id, adgroup_id, ad_id, creative_id, placement, landing_version, variant, ip,
    user_agent, referrer, landing_url, consent, country, robot)
SELECT '0' || lpad(to_hex(n), 25, '0'), (%(offers)s)[1 + n / %(every)s %% %(count)s], %(begin)s + n * %(click_step)s,
    'E.C.P.' || md5(n::text), '', 'tiktok', '', '', '', '', 'c' || n %% 11 %% 3, '', 'a' || n %% 11, 'k' || n %% 11,
    '', '',
    CASE WHEN n %% 2 = 0 THEN 'a' ELSE 'b' END, '198.51.100.7', 'Mozilla/5.0 (iPhone)', '', 'https://landing.example/p',
    'granted', (ARRAY['DE', 'FR', 'US'])[1 + n %% 3], CASE WHEN n %% 50 = 0 THEN 'bot' ELSE '' END
FROM generate_series(1, %(clicks)s) AS n
""",
    """
INSERT INTO conversions_conversion (click_id, offer_id, event_name, event_id, occurrence_key, transaction_id,
    network_event, status, payout, currency, occurred_at, page_url, referrer, email_sha256, phone_sha256, planned_at,
    created_at)
SELECT id, offer_id, 'Purchase', md5(id)::uuid, '', md5(id), '', 'approved', 40, 'USD', at, landing_url, '',
    '', '', at, at
FROM (
    SELECT *, created_at + interval '1 minute' AS at FROM conversions_click
    WHERE id IN (SELECT '0' || lpad(to_hex(n * %(every)s), 25, '0') FROM generate_series(1, %(conversions)s) AS n)
) AS clicks
""",
    """
UPDATE conversions_conversion AS sale SET transaction_id = before
FROM (
    SELECT id, lag(transaction_id) OVER (PARTITION BY offer_id ORDER BY id) AS before FROM conversions_conversion
) AS told
WHERE sale.id = told.id AND sale.id %% 97 = 0 AND before IS NOT NULL
""",
    """
INSERT INTO conversions_postback (network_id, received_at, method, params, raw_call, email_sha256, phone_sha256,
    outcome, detail, conversion_id, click_ref, transaction_id, tries)
SELECT offer.network_id, sale.created_at + interval '2 minutes', 'GET', '{}', '', '', '', 'recorded', '', sale.id,
    sale.click_id, sale.transaction_id, 1
FROM conversions_conversion AS sale JOIN offers_offer AS offer ON offer.id = sale.offer_id WHERE sale.id %% 50 <> 0
""",
    """
INSERT INTO conversions_ledgerentry (conversion_id, network_id, kind, key, payout, currency, occurred_at, created_at)
SELECT conversion_id, network_id, 'approved', conversion_id, 40, 'USD', received_at, received_at
FROM conversions_postback WHERE conversion_id IS NOT NULL
""",
    """
INSERT INTO conversions_sighting (conversion_id, outcome, detail, created_at)
SELECT id, 'fired', '', created_at FROM conversions_conversion WHERE id %% 40 <> 0
""",
    """
INSERT INTO dispatch_delivery (conversion_id, pixel_id, event_name, event_id, status, reason, detail, attempts, claims,
    maybe_accepted, first_sent_at, accepted_at, created_at, decision)
SELECT sale.id, offer.pixel_id, event_name, event_id, 'accepted', '', '', 1, 1, false, sale.created_at,
    sale.created_at + sale.id %% 30 * interval '1 second', sale.created_at, ''
FROM conversions_conversion AS sale JOIN offers_offer AS offer ON offer.id = sale.offer_id
""",
    """
INSERT INTO dispatch_deliveryattempt (delivery_id, request, batch_size, started_at, duration_ms, verdict, message,
    request_id, payload)
SELECT id, event_id, 1, first_sent_at, 100, verdict, '', '', '{}'
FROM dispatch_delivery CROSS JOIN (VALUES (1, 'transient'), (2, 'accepted')) AS try (number, verdict)
WHERE number = 2 OR id %% 60 = 0
ORDER BY id, number
""",
)

PLAIN = (
    """
SELECT offer_id, date_bin('30 minutes', created_at, 'epoch'), robot, campaign_id, ad_id, creative_id, landing_version,
    variant, country, count(*)
FROM conversions_click WHERE NOT is_test GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
""",
    """
SELECT sale.offer_id, date_bin('30 minutes', sale.created_at, 'epoch'), sale.event_name, sale.currency, sale.status,
    delivery.status, count(*), sum(sale.payout), count(delivery.accepted_at)
FROM conversions_conversion AS sale LEFT JOIN dispatch_delivery AS delivery ON delivery.conversion_id = sale.id
WHERE NOT sale.is_test GROUP BY 1, 2, 3, 4, 5, 6
""",
)
