"""What the admin's pages cost with big tables, against the same pages with small ones: milliseconds and queries.

Two databases of one PostgreSQL that differ in nothing but their rows. Each page is opened as a superuser, whole and
through all middleware. The two answers are no pages but parts that a page's script loads while the page, which is there
already, says so: they may take longer. Arguments: clicks and conversions of the big one.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from conversions import configuration
from conversions.admin.coverage import coverage_url
from conversions.models import Click, Conversion
from dispatch import clock
from dispatch.findings.finding import Scope
from dispatch.health.rows import PARTS
from dispatch.models import Delivery, Heartbeat
from dispatch.tasks import watch
from offers.models import Offer
from tests.benchmarks.costs import Cost, cost_of
from tests.benchmarks.rollups import fill
from tests.benchmarks.sums import sum_in_bulk

WANTED_MS = 300
SMALL = (10_000, 1_000)
REPORT = "admin:dispatch_report_changelist"
HEALTH, HEALTH_OF = "admin:conversions_conversion_health", "admin:conversions_conversion_health_of"
Address = Callable[[Offer], str]
PAGES: dict[str, Address] = {
    "first page": lambda offer: reverse("admin:index"),
    "health, offers": lambda offer: reverse(HEALTH),
    "health, offers, 30 days": lambda offer: f"{reverse(HEALTH)}?period=30d",
    "health, networks": lambda offer: f"{reverse(HEALTH)}?scope=network",
    "health, pixels": lambda offer: f"{reverse(HEALTH)}?scope=pixel",
    "health of an offer": lambda offer: reverse(HEALTH_OF, args=["offer", offer.pk]),
    "health of an offer, 30 days": lambda offer: f"{reverse(HEALTH_OF, args=['offer', offer.pk])}?period=30d",
    "health of a pixel": lambda offer: reverse(HEALTH_OF, args=["pixel", offer.pixel_id]),
    "report": lambda offer: reverse(REPORT),
    "report, 30 days by campaign": lambda offer: f"{reverse(REPORT)}?period=30&by=campaign_id",
    "report, 30 days by ad, India": lambda offer: f"{reverse(REPORT)}?period=30&by=ad_id&zone=Asia/Kolkata",
    "report, 30 days by day, India": lambda offer: f"{reverse(REPORT)}?period=30&by=day&zone=Asia/Kolkata",
    "trace": lambda offer: f"{reverse('admin:dispatch_trace')}?id={a_click(offer)}",
    "offers": lambda offer: reverse("admin:offers_offer_changelist"),
    "an offer": lambda offer: reverse("admin:offers_offer_change", args=[offer.pk]),
    "clicks": lambda offer: reverse("admin:conversions_click_changelist"),
    "conversions": lambda offer: reverse("admin:conversions_conversion_changelist"),
    "postbacks": lambda offer: reverse("admin:conversions_postback_changelist"),
    "deliveries": lambda offer: reverse("admin:dispatch_delivery_changelist"),
    "alerts": lambda offer: reverse("admin:dispatch_alert_changelist"),
    "dead letters": lambda offer: reverse("admin:dispatch_deadletter_changelist"),
    "unmapped statuses": lambda offer: reverse("admin:conversions_postback_unmapped"),
    "decisions on spend": lambda offer: reverse("admin:dispatch_scaledecision_changelist"),
    "identifier coverage": lambda offer: coverage_url(offer.pk),
    "differences to the network": lambda offer: (
        f"{reverse('admin:dispatch_report_network')}?offer={offer.pk}&period=30&count=7&payout=7&counts=approved"
    ),
    "differences to TikTok": lambda offer: (
        f"{reverse('admin:dispatch_report_tiktok')}?offer={offer.pk}&period=30&count=7&event=Purchase"
    ),
    "differences to the network, its answer": lambda offer: answer_of("differences to the network", offer),
    "differences to TikTok, its answer": lambda offer: answer_of("differences to TikTok", offer),
    "a network": lambda offer: reverse("admin:offers_network_change", args=[offer.network_id]),
    "a pixel": lambda offer: reverse("admin:offers_pixel_change", args=[offer.pixel_id]),
    "a click": lambda offer: reverse("admin:conversions_click_change", args=[a_click(offer)]),
    "a conversion": lambda offer: reverse("admin:conversions_conversion_change", args=[a_conversion(offer).pk]),
    "a delivery": lambda offer: reverse("admin:dispatch_delivery_change", args=[a_delivery(offer).pk]),
    "sales told again, 30 days": lambda offer: rows_behind("doubles", offer),
    "sales not reported, 30 days": lambda offer: rows_behind("unreported", offer),
    "sent more than once, 30 days": lambda offer: rows_behind("retried", offer),
    "Pixel not heard of, 30 days": lambda offer: rows_behind("unheard", offer),
}


ANSWERS = {name for name in PAGES if name.endswith(", its answer")}
BY_SCRIPT = {"X-Requested-With": "fetch"}


def answer_of(page: str, offer: Offer) -> str:
    return f"{PAGES[page](offer)}&answer=1"


def a_click(offer: Offer) -> str:
    """One that has led to a sale."""
    clicks = Click.objects.filter(offer=offer, conversions__isnull=False).order_by("created_at")
    return str(clicks.values_list("pk", flat=True)[0])


def a_conversion(offer: Offer) -> Conversion:
    return Conversion.objects.filter(offer=offer).order_by("pk")[0]


def a_delivery(offer: Offer) -> Delivery:
    return Delivery.objects.filter(conversion=a_conversion(offer)).order_by("pk")[0]


def rows_behind(part: str, offer: Offer) -> str:
    """The list that a figure of health leads to."""
    now = clock.now()
    return PARTS[part].url(Scope.OFFER, offer.pk, now - timedelta(days=30), now)


@dataclass
class World:
    """A database with so many clicks and conversions, and all sums; one that is there from an earlier run is kept."""

    clicks: int
    conversions: int

    def __post_init__(self) -> None:
        is_new = self.create()
        self.enter()
        if is_new:
            self.make()

    @property
    def name(self) -> str:
        return f"pages_{self.clicks}_{self.conversions}"

    def create(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.name])
            is_new = cursor.fetchone() is None
            if is_new:
                cursor.execute(f"CREATE DATABASE {self.name}")
        return is_new

    def enter(self) -> None:
        """Have the process's one connection lead here."""
        connection.close()
        connection.settings_dict["NAME"] = self.name
        configuration.forget()

    def make(self) -> None:
        started = time.monotonic()
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")  # no foreign key is checked ten million times
        fill(self.clicks, self.conversions)
        sum_in_bulk()
        with connection.cursor() as cursor:
            cursor.execute("RESET session_replication_role")
            cursor.execute("VACUUM ANALYZE")
        Heartbeat.objects.start("benchmark", clock.now())
        watch()
        print(f"{self.clicks:,} clicks, {self.conversions:,} conversions: made in {time.monotonic() - started:.0f} s")

    def costs(self) -> dict[str, Cost]:
        """Of each page and answer."""
        self.enter()
        offer = Offer.objects.order_by("pk")[0]
        person, script = logged_in(), logged_in(headers=BY_SCRIPT)
        return {name: cost_of(script if name in ANSWERS else person, address(offer)) for name, address in PAGES.items()}


def logged_in(**options: Any) -> Client:
    client = Client(SERVER_NAME="localhost", **options)
    person, _ = User.objects.get_or_create(username="benchmark", is_superuser=True, is_staff=True)
    client.force_login(person)
    return client


def main(clicks: int = 10_000_000, conversions: int = 1_000_000) -> None:
    if connection.vendor != "postgresql":
        return print("so many clicks are for PostgreSQL")
    small, big = World(*SMALL).costs(), World(clicks, conversions).costs()
    print(f"load of the machine: {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    print(f"{'milliseconds':<40}{'on the clock':>16}{'page computes':>16}{'database':>16}{'queries':>12}")
    print(f"{'':<40}" + f"{'small':>8}{'big':>8}" * 3)
    for name in PAGES:
        print(line(name, small[name], big[name]))


def line(name: str, small: Cost, big: Cost) -> str:
    pairs = [(small.clock, big.clock), (small.page, big.page), (small.database, big.database)]
    queries = f"{big.queries}" if small.queries == big.queries else f"{small.queries} and {big.queries}"
    taken = "".join(f"{few:>8.0f}{many:>8.0f}" for few, many in pairs)
    return f"{name:<40}{taken}{queries:>12}{remark(name, big)}"


def remark(name: str, cost: Cost) -> str:
    if name in ANSWERS:
        return "  loaded by its page, which says so meanwhile"
    return "" if cost.clock <= WANTED_MS else f"  over {WANTED_MS} ms"
