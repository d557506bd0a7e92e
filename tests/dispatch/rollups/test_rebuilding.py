from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from dispatch.models import NetworkSlot, OfferSlot, SourceDay, SourceSlot, TellingSlot
from dispatch.rollups import keeping
from dispatch.rollups.keeping import roll_up
from tests.dispatch.rollups.history import History
from tests.dispatch.rollups.recount import assert_exact
from tests.factories import make_click, make_offer

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 11, 19, 22, 40, tzinfo=UTC)


@pytest.fixture
def history(monkeypatch, settings) -> History:
    settings.PUBLIC_BASE_URL = "https://track.example"
    monkeypatch.setattr(keeping, "PAUSE", 0)
    history = History(5, BEGIN)
    history.go_on(40)
    history.now += timedelta(days=2)
    monkeypatch.setattr("dispatch.clock.now", lambda: history.now)
    roll_up(history.now, seconds=60)
    return history


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("rebuild_rollups", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_every_broken_sum_is_found_and_made_anew(history: History):
    assert "nothing differs" in run("--check")
    broken = [OfferSlot.objects.first(), SourceSlot.objects.first(), SourceDay.objects.last()]
    for row in broken:
        type(row).objects.filter(pk=row.pk).update(clicks=F("clicks") + 1)
    TellingSlot.objects.update(reasons={"failed": 1})
    NetworkSlot.objects.filter(pk=NetworkSlot.objects.first().pk).delete()

    with pytest.raises(CommandError, match="differ from the rows"):
        run("--check")
    run()

    assert "nothing differs" in run("--check")
    assert_exact(history.now)


def test_one_offer_is_made_anew_from_a_day_on():
    day, offers = datetime(2026, 11, 20, tzinfo=UTC), [make_offer(), make_offer()]
    for offer in offers:
        for moment in (day - timedelta(hours=1), day):
            make_click(offer, created_at=moment)
    run()
    OfferSlot.objects.update(clicks=99)

    run("--offer", offers[0].slug, "--since", "2026-11-20")

    assert [slot.clicks for slot in OfferSlot.objects.order_by("offer_id", "starts_at")] == [99, 1, 99, 99]


def test_an_offer_that_is_not_there_is_named():
    with pytest.raises(CommandError, match="“nobody”"):
        run("--offer", "nobody")


def test_a_pass_notes_what_it_had_to_put_right(history: History, caplog):
    OfferSlot.objects.filter(pk=OfferSlot.objects.first().pk).update(clicks=99)

    roll_up(history.now + timedelta(hours=1), seconds=60)

    assert "1 sums of" in caplog.text
    assert_exact(history.now)
