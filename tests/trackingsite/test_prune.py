"""`manage.py prune` and the piece of it that runs by itself: what the settings say, told row by row, stoppable."""

import io
import logging
import os
import signal
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from django_q.models import Task

from conversions.models import Click, Postback, Sighting, StrangePage, Upload, UploadRow
from dispatch.models import Alert, AlertChannel, AlertMessage, DeliveryAttempt
from tests.factories import make_attempt, make_click, make_conversion, make_delivery, make_network, make_postback
from trackingsite import housekeeping
from trackingsite import settings as site_settings
from trackingsite.housekeeping import prune_some, rules
from trackingsite.management.commands import prune as command

pytestmark = pytest.mark.django_db

NOW = timezone.now()
RULES = 15


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PAUSE_SECONDS", 0)


def days_ago(days: float) -> Any:
    return NOW - timedelta(days=days)


def make_old_rows(days: float = 400, count: int = 1) -> None:
    """So many rows for each of the rules."""
    network, clicks = make_network(), [make_click(created_at=days_ago(days)) for _ in range(count)]
    sales = [
        make_conversion(click, created_at=days_ago(days), planned_at=NOW, email_sha256="a digest") for click in clicks
    ]
    delivery = make_delivery(sales[0], status="accepted")
    for number, sale in enumerate(sales):
        Sighting.objects.create(conversion=sale, outcome="fired", created_at=days_ago(days))
        moments = {"first_at": days_ago(days), "last_at": days_ago(days)}
        StrangePage.objects.create(offer=sale.offer, host=f"{number}.example", **moments)
    for moment in [days_ago(days)] * count + [days_ago(45)] * count:
        make_attempt(delivery, started_at=moment, payload={"event": "Purchase"})
    for _ in range(count):
        make_postback(network, {}, received_at=days_ago(days), remote_ip="192.0.2.1", sealed_call="a call")
        make_task(uuid.uuid4().hex, days)
        make_click(created_at=days_ago(days), is_test=True, ip=None, user_agent="")
        upload = Upload.objects.create(network=network, created_at=days_ago(days), worked_at=days_ago(days))
        UploadRow.objects.create(upload=upload, number=2)
        moments = dict.fromkeys(("began_at", "seen_at", "ended_at"), days_ago(days))
        Alert.objects.create(key=uuid.uuid4().hex, **moments)
        AlertMessage.objects.create(channel=AlertChannel.objects.create(), created_at=days_ago(days))
    Postback.objects.update(due_at=None, outcome="bad_signature")


def make_task(key: str, days: float, success: bool = False) -> Task:
    moment = days_ago(days)
    return Task.objects.create(id=key, name=key, func="x", started=moment, stopped=moment, success=success)


def run(*arguments: str, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    call_command("prune", *arguments, stdout=out)
    return out.getvalue()


def counts_in(text: str) -> list[int]:
    """The numbers that the lines end with."""
    return [int(line.split(")")[1].split()[0].replace(",", "")) for line in text.splitlines()]


def left() -> tuple[int, int, int, int]:
    with_ip = Click.objects.filter(created_at__lt=days_ago(61), ip__isnull=False)
    return with_ip.count(), DeliveryAttempt.objects.count(), Postback.objects.count(), Task.objects.count()


def test_prunes_everything_that_is_old():
    make_old_rows()

    assert counts_in(run()) == [1] * RULES

    assert left() == (0, 1, 0, 0)
    assert DeliveryAttempt.objects.get().payload == {}
    assert counts_in(run()) == [0] * RULES


def test_a_host_with_a_fast_clock_prunes_nothing_before_its_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dispatch.clock.now", lambda: NOW)
    make_old_rows(days=50)

    with time_machine.travel(NOW + timedelta(days=365)):
        prune_some()
        call_command("prune", stdout=io.StringIO())

    assert (Click.objects.exclude(ip=None).count(), DeliveryAttempt.objects.count()) == (1, 2)


def test_a_dry_run_tells_the_same_and_prunes_nothing():
    make_old_rows()

    text = run("--dry-run")

    assert all(line.endswith("1 would go") for line in text.splitlines() if "payload" not in line)
    assert "older than 180 days (RETENTION_POSTBACK_DAYS)" in text
    assert left() == (1, 2, 1, 1)


def test_keeps_for_ever_what_is_set_to_0(settings: Any):
    settings.RETENTION_POSTBACK_DAYS = settings.RETENTION_VISITOR_DAYS = 0
    make_old_rows()

    text = run()

    assert "kept for ever (RETENTION_POSTBACK_DAYS=0)" in text
    assert left() == (1, 1, 1, 0)


def test_each_setting_is_its_rules_own(settings: Any):
    settings.RETENTION_POSTBACK_DAYS, settings.RETENTION_ATTEMPT_DAYS = 500, 500
    make_old_rows()

    run()

    assert left() == (0, 2, 1, 1)


def test_a_payload_goes_with_the_visitors_data_at_the_latest(settings: Any):
    settings.RETENTION_PAYLOAD_DAYS, settings.RETENTION_VISITOR_DAYS = 0, 40
    make_old_rows(days=50)

    run()

    assert [attempt.payload for attempt in DeliveryAttempt.objects.all()] == [{}, {}]


def test_failed_tasks_of_the_queue_go_in_whatever_order_they_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.retention.BATCH_SIZE", 2)
    young = {make_task(key, 1).pk for key in ("a", "b", "d", "e")}
    old = [make_task(key, 100).pk for key in ("c", "f", "g")]

    assert prune_some() == len(old)

    assert set(Task.objects.values_list("pk", flat=True)) == young


def test_successes_are_left_to_the_queue():
    make_task("done", 400, success=True)

    assert prune_some() == 0


def test_counts_in_place_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.retention.BATCH_SIZE", 1)
    for _ in range(3):
        make_click(created_at=days_ago(400))

    text = run(out=Terminal())

    steps = [part for part in text.split("\r") if "clicks: " in part]
    assert [counts_in(step)[0] for step in steps] == [1, 2, 3, 3]


def test_counts_now_and_then_in_a_log(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.retention.BATCH_SIZE", 1)
    monkeypatch.setattr(command, "LOG_EVERY_SECONDS", 0)
    for _ in range(2):
        make_click(created_at=days_ago(400))

    lines = [line for line in run().splitlines() if "clicks: " in line]

    assert [line.endswith("so far") for line in lines] == [True, True, False]
    assert "\r" not in "".join(lines)


def test_stops_after_the_batch_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.retention.BATCH_SIZE", 1)
    for _ in range(3):
        make_click(created_at=days_ago(400))
    monkeypatch.setattr(command.Counter, "add", lambda counter, count: os.kill(os.getpid(), signal.SIGTERM))

    with pytest.raises(CommandError, match="Call it again for the rest"):
        run()

    assert Click.objects.filter(ip=None).count() == 1


def test_prunes_by_itself_and_says_so(caplog: pytest.LogCaptureFixture):
    make_old_rows()

    with caplog.at_level(logging.INFO):
        count = prune_some()

    assert (count, left()) == (RULES, (0, 1, 0, 0))
    assert "Pruned postbacks: 1, older than 180 days" in caplog.text
    assert prune_some() == 0


def test_every_rule_gets_its_turn_when_time_is_short(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("conversions.retention.BATCH_SIZE", 1)
    monkeypatch.setattr(housekeeping, "RUN_SECONDS", 0)
    make_old_rows(count=3)

    runs = [prune_some() for _ in range(3)]

    assert runs == [RULES] * 3
    assert left() == (0, 3, 0, 0)


def test_lets_others_write_after_each_batch_that_wrote(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(housekeeping, "PAUSE_SECONDS", 0.05)
    pauses: list[float] = []

    counts = list(housekeeping.gently(iter([3, 0, 2]), pauses.append))

    assert counts == [3, 0, 2]
    assert len(pauses) == 2
    assert min(pauses) >= 0.05


def test_every_setting_has_its_rule():
    named = {name for rule in rules() for name in rule.settings}

    assert named == {name for name in dir(site_settings) if name.startswith("RETENTION_")}


def test_the_visitors_data_outlive_tiktoks_window_by_default(settings: Any):
    assert settings.RETENTION_VISITOR_DAYS > 28
