"""/metrics: true numbers in Prometheus' format, read by indexes, and an answer whatever is away."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from dispatch import clock
from dispatch.models import Delivery, Heartbeat, Lane, Tally
from tests.factories import (
    TOKEN,
    make_click,
    make_conversion,
    make_credential,
    make_delivery,
    make_network,
    make_offer,
    make_pixel,
    make_postback,
)
from trackingsite import metrics, vitals

pytestmark = pytest.mark.django_db
PAGE = Path(site_settings.BASE_DIR) / "docs" / "operations.md"


class Scrape:
    """The samples as Prometheus reads them."""

    def __init__(self) -> None:
        vitals.forget()
        families = text_string_to_metric_families(Client().get("/metrics").content.decode())
        self.samples = [sample for family in families for sample in family.samples]

    def all(self, name: str, /, **labels: str) -> list[tuple[dict[str, str], float]]:
        """The other labels and the value of every sample with these."""
        return [
            ({key: value for key, value in sample.labels.items() if key not in labels}, sample.value)
            for sample in self.samples
            if sample.name == f"trackingsite_{name}" and labels.items() <= sample.labels.items()
        ]

    def one(self, name: str, /, **labels: str) -> float:
        ((_, value),) = self.all(name, **labels)
        return value

    def by(self, label: str, name: str, /, **labels: str) -> dict[str, float]:
        """The values by one of the labels."""
        return {others[label]: value for others, value in self.all(name, **labels)}


def ago(**span: float) -> Any:
    return clock.now() - timedelta(**span)


def deliver_to(pixel: Any, **fields: Any) -> Delivery:
    return make_delivery(make_conversion(make_click(make_offer(pixel=pixel))), **fields)


def test_an_empty_site_has_metrics():
    found = Scrape()

    assert found.one("database_up") == found.one("wakeup_queue_up") == 1
    assert found.one("database_info", engine=connection.vendor) == 1
    assert found.one("oldest_due_age_seconds") == found.one("undigested_postbacks") == found.one("wakeups_queued") == 0
    assert found.one("disk_free_bytes", folder="state") > 0


def test_the_oldest_due_delivery_of_each_pixel_and_of_all():
    busy, idle = make_pixel(name="Busy"), make_pixel(name="Idle")
    for pixel in (busy, idle):
        make_credential(pixel)
    deliver_to(busy, next_attempt_at=ago(seconds=90))
    deliver_to(busy, next_attempt_at=ago(seconds=60))
    deliver_to(idle, next_attempt_at=ago(seconds=-60))

    found = Scrape()

    assert found.one("oldest_due_age_seconds") == pytest.approx(90, abs=20)
    assert found.one("pixel_oldest_due_age_seconds", name="Busy") == pytest.approx(90, abs=20)
    assert found.one("pixel_oldest_due_age_seconds", name="Idle") == 0


@pytest.mark.parametrize(("by", "with_credential"), [("staff", True), ("auth", True), ("", False)])
def test_what_is_kept_back_ages_apart(by: str, with_credential: bool):
    pixel = make_pixel(paused_by=by)
    if with_credential:
        make_credential(pixel)
    deliver_to(pixel, next_attempt_at=ago(hours=1))

    found = Scrape()

    assert found.one("oldest_due_age_seconds") == found.one("pixel_oldest_due_age_seconds") == 0
    assert found.one("oldest_kept_back_age_seconds") == pytest.approx(3600, abs=60)
    assert found.one("pixel_oldest_kept_back_age_seconds") == pytest.approx(3600, abs=60)


def test_the_queue_by_state_and_reason():
    pixel = make_pixel(code="CQUEUE00")
    for fields in [
        {"status": "waiting"},
        {"status": "waiting"},
        {"status": "leased"},
        {"status": "accepted"},
        {"status": "dead", "reason": "invalid"},
        {"status": "dead", "reason": "invalid"},
        {"status": "dead", "reason": "contract"},
    ]:
        deliver_to(pixel, **fields)

    found = Scrape()

    states = found.by("state", "queue_deliveries", pixel="CQUEUE00")
    assert states == {"waiting": 2, "leased": 1, "held": 0, "dead": 3}
    assert found.by("reason", "queue_reason_deliveries", state="dead") == {"invalid": 2, "contract": 1}


def test_requests_and_deliveries_count_up():
    pixel = make_pixel()
    Tally.objects.add(pixel.pk, "accepted", 50)
    Tally.objects.add(pixel.pk, "accepted", 7)

    found = Scrape()

    assert found.one("tiktok_requests_total", verdict="accepted") == 2
    assert found.one("tiktok_deliveries_total", verdict="accepted") == 57
    assert found.one("tiktok_requests_total", verdict="auth") == 0


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "closed"),
        ({"trips": 1, "probe_at": timedelta(minutes=1)}, "open"),
        ({"trips": 1, "probe_at": -timedelta(minutes=1)}, "half-open"),
    ],
)
def test_the_breaker_is_in_one_state(fields: dict[str, Any], state: str):
    times = {name: clock.now() + value for name, value in fields.items() if isinstance(value, timedelta)}
    Lane.objects.create(pixel=make_pixel(), **{**fields, **times})

    found = Scrape()

    expected = {"closed": 0, "open": 0, "half-open": 0, state: 1}
    assert found.by("state", "breaker_state") == expected


def test_pace_rest_and_lost_leases():
    until = clock.now() + timedelta(minutes=5)
    Lane.objects.create(pixel=make_pixel(), pace=0.25, paced_at=until, rest_until=until, lease_expiries=3)

    found = Scrape()

    assert found.one("pace_ratio") == 0.25
    assert found.one("resting_seconds") == pytest.approx(300, abs=20)
    assert found.one("lease_expiries_total") == 3


def test_a_pixel_that_was_never_sent_to_has_a_whole_pace():
    make_pixel()

    assert Scrape().one("pace_ratio") == 1


def test_who_paused_a_pixel():
    make_pixel(paused_by="auth")

    assert Scrape().by("by", "pixel_paused") == {"auth": 1, "staff": 0}


def test_credentials_by_state():
    pixel = make_pixel()
    make_credential(pixel, activated_at=ago(days=10), last_refused_at=ago(hours=1))
    make_credential(pixel, state="revoked", activated_at=ago(days=90), last_refused_at=ago(days=80))
    for _ in range(2):
        make_credential(pixel, state="staged")

    found = Scrape()

    ages = found.by("state", "credential_age_seconds")
    assert found.by("state", "credentials") == {"active": 1, "retiring": 0, "staged": 2}
    assert ages == {"active": pytest.approx(10 * 86400, abs=60), "staged": pytest.approx(0, abs=60)}
    assert found.by("state", "credential_refused") == {"active": 1, "staged": 0}


def test_heartbeats_and_restarts_of_each_cluster():
    Heartbeat.objects.create(cluster="one", beat_at=ago(seconds=5), restarts=2)
    Heartbeat.objects.create(cluster="two", beat_at=ago(seconds=500))

    found = Scrape()

    assert found.one("heartbeat_age_seconds", cluster="two") == pytest.approx(500, abs=20)
    assert found.by("cluster", "cluster_restarts_total") == {"one": 2, "two": 0}


def test_what_is_recorded_and_not_worked_on():
    network = make_network()
    make_postback(network, {}, received_at=ago(seconds=100))
    make_postback(network, {}, outcome="unmatched_click", received_at=ago(seconds=-100))
    make_conversion()

    found = Scrape()

    assert found.one("undigested_postbacks") == found.one("unmatched_postbacks") == 1
    assert found.one("oldest_undigested_postback_age_seconds") == pytest.approx(100, abs=20)
    assert found.one("unplanned_conversions") == 1


@pytest.mark.usefixtures("_no_database")
def test_without_a_database_it_tells_what_it_can():
    found = Scrape()

    assert found.one("database_up") == found.one("wakeup_queue_up") == 0
    assert found.one("disk_free_bytes", folder="state") > 0
    assert not found.all("undigested_postbacks")


def test_a_queue_that_is_away_hides_nothing_else(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vitals.wakeups, "read", lambda: None)

    found = Scrape()

    assert (found.one("wakeup_queue_up"), found.one("database_up")) == (0, 1)
    assert not found.all("wakeups_queued")


def test_the_database_is_asked_every_ten_seconds_at_most(django_assert_num_queries: Any):
    Scrape()

    with django_assert_num_queries(0):
        Client().get("/metrics")


def test_needs_no_query_more_for_more_pixels():
    def queries() -> int:
        vitals.forget()
        with CaptureQueriesContext(connection) as captured:
            Client().get("/metrics")
        return len(captured)

    make_credential(deliver_to(make_pixel()).pixel)
    for_one = queries()
    for _ in range(3):
        make_credential(deliver_to(make_pixel(), status="dead", reason="invalid").pixel)

    assert queries() == for_one


def test_tells_nothing_secret_or_personal():
    delivery = make_delivery()
    make_credential(delivery.pixel)
    Scrape()

    text = metrics.text().decode()

    secrets = [TOKEN, TOKEN[-4:], delivery.conversion.click_id, str(delivery.event_id), "198.51.100.7"]
    assert not [secret for secret in secrets if secret in text]


def test_names_with_any_character_are_readable():
    make_pixel(name='A "big"\nshop\\ ü')

    assert Scrape().one("pace_ratio", name='A "big"\nshop\\ ü') == 1
