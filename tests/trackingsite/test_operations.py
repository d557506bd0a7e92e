"""Alive, ready, and what needs a person; who may know what."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django_q.models import Schedule
from redis import ConnectionError as NoRedisError

from conversions import wake
from dispatch import clock
from dispatch.models import Heartbeat, Lane
from dispatch.models.heartbeat import STALL
from offers.models import Pixel
from tests.factories import make_credential, make_delivery, make_network, make_pixel, make_postback
from trackingsite import disks, readiness
from trackingsite.disks import database_file

PUBLIC = "198.51.100.7"


def ago(**span: float) -> Any:
    return clock.now() - timedelta(**span)


def readyz(**headers: str) -> Any:
    return Client(headers=headers).get("/readyz")


def warnings() -> dict[str, str]:
    """The messages of this moment by their codes, without those about workers that no test starts."""
    Heartbeat.objects.get_or_create(cluster="here", defaults={"beat_at": clock.now()})
    return {warning["code"]: warning["message"] for warning in readyz().json()["warnings"]}


def make_sending_pixel(**fields: Any) -> Pixel:
    pixel = make_pixel(**fields)
    make_credential(pixel)
    return pixel


class TestAlive:
    @pytest.mark.usefixtures("_no_database")
    def test_is_alive_without_a_database(self):
        assert Client().get("/healthz").json() == {"status": "ok"}

    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
    def test_head_works_and_others_are_refused(self, path: str):
        assert [Client().head(path).status_code, Client().post(path).status_code] == [200, 405]

    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
    def test_a_probe_may_call_by_any_host_name(self, path: str):
        assert Client(headers={"Host": "10.0.0.7:8000"}).get(path).status_code == 200


@pytest.mark.django_db
class TestReady:
    def test_is_ready(self):
        answer = readyz()

        assert (answer.status_code, answer.json()["status"]) == (200, "ready")

    def test_is_ready_whatever_needs_a_person(self):
        pixel = make_sending_pixel()
        pixel.pause(Pixel.PausedBy.AUTH, "Access token is incorrect", clock.now())

        assert readyz().status_code == 200

    @pytest.mark.usefixtures("_new_process")
    def test_is_not_ready_until_migrations_are_applied(self):
        applied = MigrationRecorder.Migration.objects.filter(app="dispatch").order_by("-pk").first()
        applied.delete()
        before = readyz()
        applied.save(force_insert=True)

        assert (before.status_code, before.json()["code"]) == (503, "migrations_missing")
        assert "manage.py migrate" in before.json()["reason"]
        assert readyz().status_code == 200

    @pytest.mark.usefixtures("_new_process")
    def test_looks_migrations_up_until_they_are_applied_and_not_again(self, monkeypatch: pytest.MonkeyPatch):
        readyz()
        monkeypatch.delattr(readiness, "MigrationExecutor")

        assert readyz().status_code == 200

    @pytest.mark.usefixtures("_no_database")
    @pytest.mark.parametrize("known", [True, False])
    def test_is_not_ready_without_a_database(self, known: bool, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(readiness.migrations, "are_applied", known)

        answer = readyz()

        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")

    def test_is_not_ready_when_the_disk_is_nearly_full(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(disks, "free_bytes", lambda folder: 49_000_000)

        answer = readyz()

        assert (answer.status_code, answer.json()["code"]) == (503, "disk_full")
        assert "49 MB are free in the state folder" in answer.json()["reason"]

    def test_needs_no_state_folder(self, settings: Any, tmp_path: Path):
        settings.STATE_DIR = tmp_path / "nowhere"

        assert readyz().status_code == 200

    def test_room_in_a_folder_that_it_can_t_write_to_is_not_asked_for(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(disks, "free_bytes", lambda folder: 0)
        monkeypatch.setattr(disks, "database_file", lambda: None)
        monkeypatch.setattr(os, "access", lambda path, mode: False)

        assert readyz().status_code == 200


class TestReadOnly:
    @pytest.mark.django_db(transaction=True)
    def test_is_not_ready_when_the_database_takes_no_writes(self, monkeypatch: pytest.MonkeyPatch):
        make_read_only(monkeypatch)
        try:
            answer = readyz()
        finally:
            connection.close()

        assert (answer.status_code, answer.json()["code"]) == (503, "database_read_only")


def make_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
        return
    file = database_file()  # nothing is read-only for root, who may run the tests
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != file and real(path, mode))


@pytest.mark.django_db
class TestWarnings:
    def test_there_are_none_on_a_site_that_works(self):
        delivery = make_delivery()
        make_credential(delivery.pixel)
        make_postback(make_network(), {})

        assert warnings() == {}

    def test_late_deliveries(self):
        delivery = make_delivery(next_attempt_at=ago(minutes=7))
        make_credential(delivery.pixel)

        assert "due for 7 minutes" in warnings()["deliveries_late"]

    @pytest.mark.parametrize("by", ["staff", "auth"])
    def test_what_a_pause_keeps_back_is_not_late(self, by: str):
        delivery = make_delivery(next_attempt_at=ago(days=2))
        make_credential(delivery.pixel)
        delivery.pixel.pause(by, "", clock.now())

        assert "deliveries_late" not in warnings()

    def test_what_lacks_a_credential_is_not_late(self):
        make_delivery(next_attempt_at=ago(days=2))

        assert warnings() == {}

    def test_late_postbacks(self):
        make_postback(make_network(), {}, received_at=ago(minutes=6))

        assert "6 minutes" in warnings()["postbacks_late"]

    def test_no_cluster_at_all(self):
        assert [warning["code"] for warning in readyz().json()["warnings"]] == ["workers_silent"]

    @pytest.mark.parametrize(("others", "is_said"), [([], True), ([1.0], False)])
    def test_only_silent_clusters(self, others: list[float], is_said: bool):
        silent = STALL.total_seconds() + 1
        for number, seconds in enumerate([silent, silent, *others]):
            Heartbeat.objects.create(cluster=str(number), beat_at=ago(seconds=seconds))

        assert bool(readyz().json()["warnings"]) == is_said

    @pytest.mark.parametrize("wait", [timedelta(minutes=1), -timedelta(minutes=1)])
    def test_an_open_or_half_open_breaker(self, wait: timedelta):
        pixel = make_sending_pixel(name="Shop")
        Lane.objects.create(pixel=pixel, trips=1, probe_at=clock.now() + wait)

        assert "Shop" in warnings()["breaker_open"]

    def test_a_pixel_that_is_paused_because_of_its_credential(self):
        make_sending_pixel(name="Shop").pause(Pixel.PausedBy.AUTH, "Access token is incorrect", clock.now())

        assert "Rotate the credential" in warnings()["pixel_paused_by_auth"]

    @pytest.mark.parametrize(("accepted_hours_ago", "is_said"), [(None, True), (2, True), (0.5, False)])
    def test_a_refused_credential(self, accepted_hours_ago: float | None, is_said: bool):
        accepted = ago(hours=accepted_hours_ago) if accepted_hours_ago else None
        make_credential(make_pixel(), last_refused_at=ago(hours=1), last_ok_at=accepted)

        assert ("credential_refused" in warnings()) == is_said

    def test_a_pause_by_staff_needs_nobody(self):
        make_sending_pixel().pause(Pixel.PausedBy.STAFF, "", clock.now())

        assert warnings() == {}

    def test_a_schedule_that_is_not_ours(self):
        Schedule.objects.create(name="stranger", func="os.system")

        assert "stranger" in warnings()["bad_schedules"]

    def test_a_queue_that_is_away(self, monkeypatch: pytest.MonkeyPatch):
        def fail() -> Any:
            raise NoRedisError

        monkeypatch.setattr("trackingsite.vitals.queue", fail)

        assert "REDIS_URL" in warnings()["queue_away"]

    def test_a_redis_that_is_away(self, settings: Any, monkeypatch: pytest.MonkeyPatch):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        monkeypatch.setattr("django_q.conf.Conf.BROKER_CLASS", "trackingsite.brokers.RedisBroker")
        wake.queue.cache_clear()

        found = warnings()
        wake.queue.cache_clear()

        assert "queue_away" in found

    def test_each_says_what_to_do(self):
        answer = readyz().json()["warnings"]

        assert all(
            set(warning) == {"code", "message"} and warning["message"].endswith(("s", ".")) for warning in answer
        )
