"""What the admin's pages cost with big tables, against the same pages with small ones: milliseconds and queries.

Two databases of one PostgreSQL that differ in nothing but their rows. Each page is opened as a superuser, whole and
through all middleware; of several times the quickest counts. Arguments: clicks and conversions of the big one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversions import configuration
from conversions.models import Click
from dispatch import clock
from dispatch.models import Heartbeat
from dispatch.tasks import watch
from offers.models import Offer
from tests.benchmarks.rollups import fill
from tests.benchmarks.sums import sum_in_bulk

WANTED_MS = 300
SMALL = (10_000, 1_000)
TIMES = 5
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
}


def a_click(offer: Offer) -> str:
    """One that has led to a sale."""
    clicks = Click.objects.filter(offer=offer, conversions__isnull=False).order_by("created_at")
    return str(clicks.values_list("pk", flat=True)[0])


@dataclass
class World:
    """A database with so many clicks and conversions, and all sums."""

    name: str
    clicks: int
    conversions: int

    def __post_init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {self.name}")
        self.enter()
        started = time.monotonic()
        call_command("migrate", verbosity=0)
        fill(self.clicks, self.conversions)
        sum_in_bulk()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        Heartbeat.objects.start("benchmark", clock.now())
        watch()
        print(f"{self.clicks:,} clicks, {self.conversions:,} conversions: made in {time.monotonic() - started:.0f} s")

    def enter(self) -> None:
        """Have the process's one connection lead here."""
        connection.close()
        connection.settings_dict["NAME"] = self.name
        configuration.forget()

    def costs(self) -> dict[str, tuple[float, int]]:
        """Milliseconds and queries of each page."""
        self.enter()
        client, offer = Client(SERVER_NAME="localhost"), Offer.objects.order_by("pk")[0]
        client.force_login(User.objects.create_superuser("benchmark"))
        return {name: cost(client, address(offer)) for name, address in PAGES.items()}


def cost(client: Client, url: str) -> tuple[float, int]:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(url)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}")
    return min(milliseconds(client, url) for _ in range(TIMES)), len(queries)


def milliseconds(client: Client, url: str) -> float:
    started = time.perf_counter()
    client.get(url)
    return (time.perf_counter() - started) * 1000


def main(clicks: int = 10_000_000, conversions: int = 1_000_000) -> None:
    if connection.vendor != "postgresql":
        return print("so many clicks are for PostgreSQL")
    small, big = World("small", *SMALL).costs(), World("big", clicks, conversions).costs()
    print(f"{'page':<32}{'small':>8}{'big':>8}  ratio{'queries':>14}")
    for name in PAGES:
        (few, asked), (many, asked_of_many) = small[name], big[name]
        queries = f"{asked_of_many}" if asked == asked_of_many else f"{asked} and {asked_of_many}"
        print(f"{name:<32}{few:>5.0f} ms{many:>5.0f} ms{many / few:>7.2f}{queries:>14}{verdict(many)}")


def verdict(taken: float) -> str:
    return "" if taken <= WANTED_MS else f"  over {WANTED_MS} ms"
