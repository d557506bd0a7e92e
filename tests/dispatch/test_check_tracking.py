"""What is wrong and whether spend may be raised, on a terminal."""

import json
from contextlib import suppress

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dispatch.models import Heartbeat
from dispatch.reasons import Reason
from offers.models import Offer
from tests.factories import make_click, make_conversion, make_credential, make_delivery, make_offer

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


@pytest.mark.parametrize("is_own", [True, False])
def test_of_one_offer_it_tells_nothing_that_only_another_one_waits_for(
    capsys: pytest.CaptureFixture[str], is_own: bool
):
    Heartbeat.objects.start("host", timezone.now())
    offer, other = working_offer(), working_offer()
    for fields in ({"status": "dead", "reason": Reason.TOO_OLD}, {"status": "held", "lacks_rate": "XAF"}):
        make_delivery(make_conversion(make_click(offer if is_own else other)), **fields)

    with suppress(SystemExit):
        call_command("check_tracking", "--json", offer=offer.slug)

    told = {finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert told & {"dead_letters", "no_rate"} == ({"dead_letters", "no_rate"} if is_own else set())


def working_offer() -> Offer:
    offer = make_offer()
    make_credential(offer.pixel, activated_at=timezone.now())
    return offer


def test_an_offer_that_there_is_not_is_refused():
    with pytest.raises(CommandError, match="no offer with the slug lamp"):
        call_command("check_tracking", offer="lamp")
