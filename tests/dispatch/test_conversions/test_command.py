"""`manage.py send_test_conversion`: what it prints, and what cron learns from its exit code."""

import io
import json

import pytest
from django.core.management import call_command

from dispatch import clock
from dispatch.models import Heartbeat
from dispatch.tiktok.sandbox import Sandbox
from offers.models import Offer

pytestmark = pytest.mark.django_db(transaction=True)


def send(*arguments: str) -> tuple[int, str]:
    """The exit code, and all that was printed."""
    out = io.StringIO()
    try:
        call_command("send_test_conversion", *arguments, stdout=out, stderr=out)
    except SystemExit as stop:
        return int(str(stop.code)), out.getvalue()
    return 0, out.getvalue()


def test_passes_by_itself_where_no_worker_runs(offer: Offer, sandbox: Sandbox):
    code, printed = send(offer.slug, "--without-workers")

    assert code == 0
    assert [line.partition(":")[0] for line in printed.splitlines()][:3] == [
        "passed   Click", "passed   Landing page", "passed   Outbound link",
    ]  # fmt: skip
    assert "The test passed in" in printed


def test_fails_where_no_worker_takes_it(offer: Offer):
    code, printed = send(offer.slug, "--timeout", "0.1")

    assert code == 1
    assert "Start them with: manage.py run_workers" in printed


def test_leaves_the_work_to_workers_that_run(offer: Offer):
    Heartbeat.objects.start("host", clock.now())

    code, _ = send(offer.slug, "--without-workers", "--timeout", "0.1")

    assert code == 1


def test_prints_json_for_programs(offer: Offer, sandbox: Sandbox):
    code, printed = send(offer.slug, "--without-workers", "--json")

    told = json.loads(printed)
    assert (code, told["passed"], told["offer"]) == (0, True, offer.slug)
    assert {stage["state"] for stage in told["stages"]} == {"passed"}


@pytest.mark.parametrize("arguments", [["nothing"], ["nothing", "--json"]])
def test_says_when_nothing_can_be_tested(arguments: list[str]):
    code, printed = send(*arguments)

    assert code == 2
    assert "There is no offer" in printed


def test_takes_no_timeout_that_is_none(offer: Offer):
    assert send(offer.slug, "--timeout", "0")[0] == 2
