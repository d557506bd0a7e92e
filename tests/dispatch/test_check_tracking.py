"""What is wrong and whether spend may be raised, on a terminal."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dispatch.models import Heartbeat
from tests.factories import make_credential, make_offer

pytestmark = pytest.mark.django_db


def test_what_is_bad_makes_it_fail_and_scripts_can_read_why(capsys: pytest.CaptureFixture[str]):
    offer = make_offer()  # without a credential, and nobody works

    with pytest.raises(SystemExit, match="1"):
        call_command("check_tracking", "--json", offer=offer.slug)

    told = json.loads(capsys.readouterr().out)
    assert {"workers_stopped", "no_credential"} <= {finding["code"] for finding in told["findings"]}
    assert set(told["findings"][0]) == FINDING
    assert [(each["offer"], each["verdict"]) for each in told["decisions"]] == [(offer.slug, "hold")]
    assert "workers_stopped" in {reason["code"] for reason in told["decisions"][0]["reasons"]}


FINDING = {"code", "scope", "subject", "tone", "title", "words", "value", "target"}


def test_where_nothing_is_wrong_it_says_so_and_how_each_offer_stands(capsys: pytest.CaptureFixture[str]):
    offer = make_offer()
    make_credential(offer.pixel, activated_at=timezone.now())
    Heartbeat.objects.start("host", timezone.now())

    call_command("check_tracking")

    told = capsys.readouterr().out
    assert told.startswith("Nothing is wrong.")
    assert f"{offer.slug}: watch" in told


def test_an_offer_that_there_is_not_is_refused():
    with pytest.raises(CommandError, match="no offer with the slug lamp"):
        call_command("check_tracking", offer="lamp")
