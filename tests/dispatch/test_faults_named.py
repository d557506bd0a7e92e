"""One fault each, on a site that three clean days speak for: the trace names it, and the decision on spend follows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.models import Click, Conversion, Sighting
from dispatch.diagnosis.tracing import trace
from dispatch.findings.current import current
from dispatch.models import DeliveryAttempt, Heartbeat, NetworkSlot, OfferSlot, TellingSlot
from dispatch.planning import plan
from dispatch.rollups import rechecking
from dispatch.rollups.keeping import roll_up
from dispatch.scaling.deciding import decide_all, decision_of
from dispatch.sender import Sender
from dispatch.tiktok.sandbox import Sandbox
from offers.models import EventRule, Network, Offer, Pixel
from tests.dispatch.findings.slots import hours_before, purchases
from tests.factories import TOKEN, call_page_event, make_click, make_credential, make_network, make_offer

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"
RULES = [
    {"trigger": "page", "event_name": "Purchase"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]
HOURS = range(1, 80, 3)


@dataclass
class Site:
    """An offer that spend may be raised for, and the world around it."""

    offer: Offer
    sandbox: Sandbox
    client: Client

    @property
    def network(self) -> Network:
        return self.offer.network

    @property
    def pixel(self) -> Pixel:
        return self.offer.pixel

    def click(self, **fields: Any) -> Click:
        return make_click(self.offer, **fields)

    def arrive(self, browser: str = BROWSER) -> Click:
        answer = self.client.get(f"/c/{self.offer.slug}/?ttclid=E.C.P.abc", headers={"user-agent": browser})
        return Click.objects.get(pk=parse_qs(urlsplit(answer["Location"]).query)["click_id"][0])

    def report(self, click_id: str, **said: str) -> None:
        """The network calls the gateway."""
        params = {"click_id": click_id, "txid": f"T-{click_id}", "status": "approved", "payout": "40", **said}
        self.client.get(f"/postback/{self.network.slug}/{self.network.secret.reveal()}/", params)

    def work(self, sends: bool = True) -> None:
        """What workers do with it."""
        digest_batch(timezone.now())
        plan(timezone.now())
        if sends:
            Sender().turn()

    def sell(self, count: int = 1, **click: Any) -> str:
        """Sales that the network reports; the click id of the last one."""
        keys = [self.click(**click).pk for _ in range(count)]
        for key in keys:
            self.report(key)
        self.work()
        return keys[-1]

    def decide(self, now: datetime) -> str:
        roll_up(now, seconds=60)
        decide_all(now, current(now))
        return decision_of([self.offer.pk], now)[self.offer.pk].verdict


@pytest.fixture
def site(sandbox: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Its past is in the sums alone, so these are not made anew; what happens now is made from rows."""
    monkeypatch.setattr(rechecking, "go_on", lambda *args: 0)
    now = timezone.now()
    offer = make_offer(RULES, network=make_network(heard_at=now))
    make_credential(offer.pixel, activated_at=now)
    Heartbeat.objects.start("host", now + timedelta(hours=1))  # they go on living
    make_past(offer, [hours_before(now, ago) for ago in HOURS])
    roll_up(now, seconds=60)  # what comes from here on is followed
    return Site(offer, sandbox, client)


def make_past(offer: Offer, slots: list[datetime]) -> None:
    """Clean half-hours."""
    network, told = offer.network, {"accepted": 4, "tried": 4, "both_legs": 4, "fired": 4, "with_ttclid": 4}
    TellingSlot.objects.bulk_create(TellingSlot(offer=offer, pixel=offer.pixel, starts_at=at, **told) for at in slots)
    OfferSlot.objects.bulk_create(OfferSlot(offer=offer, starts_at=at, **purchases(4, payout=160)) for at in slots)
    NetworkSlot.objects.bulk_create(
        NetworkSlot(network=network, starts_at=at, outcome="recorded", postbacks=4) for at in slots
    )


def mistyped_macro(site: Site) -> str:
    click = site.click()
    site.report("{aff_sub}", txid="T-1")
    site.work()
    return click.pk


def revoked_token(site: Site) -> str:
    site.sandbox.register_token(site.pixel.code, TOKEN, "revoked")
    return site.sell()


def banner_that_denies(site: Site) -> str:
    return site.sell(20, consent="denied")


def blocked_pixel(site: Site) -> str:
    calls = [call_page_event(site.click(), "Purchase") for _ in range(5)]
    for conversion in calls:
        Sighting.objects.create(conversion=conversion, outcome="blocked", created_at=timezone.now())
    site.work()
    return str(calls[-1].event_id)


def stopped_workers(site: Site) -> str:
    click = site.click()
    site.report(click.pk)
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=5))
    return click.pk


def silent_network(site: Site) -> str:
    hours_ago = timezone.now() - timedelta(hours=10)
    Network.objects.update(silence_hours=6, heard_at=hours_ago)
    return site.click(created_at=hours_ago).pk


def network_silent_as_it_never_is(site: Site) -> str:
    """Nobody has said for how long it may be silent."""
    now = timezone.now()
    NetworkSlot.objects.filter(starts_at__gt=now - timedelta(hours=9)).delete()
    NetworkSlot.objects.filter(starts_at__lt=now - timedelta(hours=67)).delete()
    Network.objects.update(heard_at=now - timedelta(hours=10))
    return site.click(created_at=now - timedelta(hours=7)).pk


def switched_off_network(site: Site) -> str:
    Network.objects.update(is_active=False)
    click = site.click()
    site.report(click.pk)
    site.work()
    return click.pk


def wrong_secret(site: Site) -> str:
    click = site.click()
    site.client.get(f"/postback/{site.network.slug}/of-last-month/", {"click_id": click.pk, "txid": "T-1"})
    return click.pk


def page_that_names_the_sale_otherwise(site: Site) -> str:
    click_id = site.sell()
    double = call_page_event(Click.objects.get(pk=click_id), "Purchase", key="ORDER-77")
    site.work()
    return str(double.event_id)


def one_transaction_under_two_clicks(site: Site) -> str:
    for _ in range(2):
        conversion = Conversion.objects.get(click=site.sell())
        Conversion.objects.filter(pk=conversion.pk).update(transaction_id="T-9")
    return str(conversion.event_id)


def one_sale_under_two_transactions(site: Site) -> str:
    click = site.click()
    for txid in ("T-1", "T-2"):
        site.report(click.pk, txid=txid)
    site.work()
    return "T-2"


def paused_pixel(site: Site) -> str:
    site.pixel.pause(Pixel.PausedBy.STAFF, "", timezone.now())
    return site.sell()


def pixel_for_tests(site: Site) -> str:
    Pixel.objects.update(environment="staging", test_event_code="TEST1")
    return site.sell()


def missing_credential(site: Site) -> str:
    site.pixel.credentials.all().delete()
    return site.sell()


def deleted_rule(site: Site) -> str:
    EventRule.objects.filter(trigger="approved").delete()
    return site.sell()


def deleted_rules(site: Site) -> str:
    EventRule.objects.all().delete()
    return site.click().pk


def unmapped_status(site: Site) -> str:
    click = site.click()
    site.report(click.pk, status="gekauft")
    site.work()
    return click.pk


def bad_signature(site: Site) -> str:
    Network.objects.update(adapter="generic_hmac", signing_key="another-key-than-theirs")
    click = site.click()
    site.report(click.pk, sig="0" * 64)
    site.work()
    return click.pk


def full_cap(site: Site) -> str:
    Offer.objects.filter(pk=site.offer.pk).update(daily_cap=0, fallback_offer=make_offer())
    return site.arrive().pk


def bot(site: Site) -> str:
    click = site.arrive(browser="Googlebot/2.1 (+http://www.google.com/bot.html)")
    site.report(click.pk)
    site.work()
    return click.pk


def refund_before(site: Site) -> str:
    click = site.click()
    for status in ("refunded", "approved"):
        site.report(click.pk, status=status)
        site.work()
    return click.pk


def refund_after(site: Site) -> str:
    click_id = site.sell()
    site.report(click_id, status="refunded")
    site.work()
    return click_id


def sales_taken_back(site: Site) -> str:
    sold = [a_good_sale(site) for _ in range(20)]
    for click_id in sold:
        site.report(click_id, status="refunded")
    site.work()
    return sold[-1]


def invalid_events(site: Site) -> str:
    site.sandbox.set_mode("code", code=40002)
    return site.sell(2)


def throttling(site: Site) -> str:
    site.sandbox.set_mode("code", code=40100)
    return site.sell()


def throttling_without_end(site: Site) -> str:
    """Each refusal makes it due anew."""
    site.sandbox.set_mode("http_429", seconds=60)
    click_id = site.sell()
    DeliveryAttempt.objects.update(started_at=timezone.now() - timedelta(minutes=6))
    return click_id


def outage(site: Site) -> str:
    site.sandbox.set_mode("http_500")
    return site.sell(3)


def no_rate(site: Site) -> str:
    click = site.click()
    site.report(click.pk, currency="XAF")
    site.work()
    return click.pk


def too_old(site: Site) -> str:
    long_ago = timezone.now() - timedelta(days=30)
    clicks = [site.click(created_at=long_ago - timedelta(days=1)) for _ in range(2)]
    for click in clicks:
        site.report(click.pk, ts=str(int(long_ago.timestamp())))
    site.work()
    return clicks[-1].pk


def nothing_to_match_by(site: Site) -> str:
    return site.sell(2, ttclid="", ip=None)


def click_that_never_came(site: Site) -> str:
    site.report("0123456789abcdefghjkmnpqrs", txid="T-1")
    site.work()
    return "T-1"


def a_good_sale(site: Site) -> str:
    click = site.click()
    conversion = call_page_event(click, "Purchase")
    Sighting.objects.create(conversion=conversion, outcome="fired", created_at=timezone.now())
    site.report(click.pk)
    site.work()
    return click.pk


@pytest.mark.parametrize(
    ("fault", "verdict", "cause", "decision"),
    [
        (mistyped_macro, "not_reported", "unreplaced_macro", "watch"),
        (revoked_token, "delayed", "credential_refused", "hold"),
        (banner_that_denies, "never_sent", "consent_denied", "watch"),
        (blocked_pixel, "delivered", "pixel_blocked", "hold"),
        (stopped_workers, "delayed", "workers_stopped", "hold"),
        (silent_network, "not_reported", "network_silent", "hold"),
        (network_silent_as_it_never_is, "not_reported", "network_silent", "hold"),
        (switched_off_network, "not_reported", "network_off", "hold"),
        (wrong_secret, "not_reported", "wrong_secret", "watch"),
        (page_that_names_the_sale_otherwise, "duplicated", "same_sale", "hold"),
        (one_transaction_under_two_clicks, "duplicated", "same_sale", "hold"),
        (one_sale_under_two_transactions, "duplicated", "same_sale", "hold"),
        (paused_pixel, "delayed", "pixel_paused", "hold"),
        (pixel_for_tests, "delivered", "test_pixel", "hold"),
        (missing_credential, "delayed", "no_credential", "hold"),
        (deleted_rule, "never_sent", "no_rule", "watch"),
        (deleted_rules, "never_sent", "no_rule", "hold"),
        (unmapped_status, "never_sent", "unmapped_status", "watch"),
        (bad_signature, "never_sent", "bad_signature", "watch"),
        (full_cap, "never_sent", "capped", "watch"),
        (bot, "never_sent", "robot", "raise"),
        (refund_before, "refunded", "taken_back", "raise"),
        (refund_after, "refunded", "refund", "raise"),
        (sales_taken_back, "refunded", "refund", "hold"),
        (invalid_events, "rejected", "invalid", "hold"),
        (throttling, "delayed", "throttled", "raise"),
        (throttling_without_end, "delayed", "throttled", "watch"),
        (outage, "delayed", "tiktok_failing", "hold"),
        (no_rate, "never_sent", "no_rate", "hold"),
        (too_old, "never_sent", "too_old", "watch"),
        (nothing_to_match_by, "never_sent", "no_match_key", "watch"),
        (click_that_never_came, "waiting_for_click", "unknown_click", "watch"),
        (a_good_sale, "delivered", "told", "raise"),
    ],
)
def test_a_fault_is_named_and_the_decision_follows(
    site: Site, fault: Callable[[Site], str], verdict: str, cause: str, decision: str
):
    named = fault(site)
    now = timezone.now()

    ruling = trace(named, now).first.ruling

    assert (ruling.verdict, ruling.cause) == (verdict, cause)
    assert site.decide(now) == decision


def test_without_any_fault_spend_may_be_raised(site: Site):
    assert site.decide(timezone.now()) == "raise"


@pytest.mark.parametrize(("fault", "decision"), [(throttling, "hold"), (outage, "hold"), (stopped_workers, "hold")])
def test_what_lasts_weighs_more(site: Site, fault: Callable[[Site], str], decision: str):
    fault(site)

    assert site.decide(timezone.now() + timedelta(minutes=40)) == decision


def test_a_sale_is_not_worth_what_it_was_while_sales_are_taken_back(site: Site):
    sales_taken_back(site)
    site.decide(timezone.now())

    reasons = decision_of([site.offer.pk])[site.offer.pk].reasons

    assert [reason["code"] for reason in reasons if reason["speaks"] == "hold"] == ["sales_taken_back"]
    assert "stable" not in [reason["code"] for reason in reasons]
