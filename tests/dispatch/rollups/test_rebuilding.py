from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.models import F

from dispatch.models import Delivery, NetworkSlot, OfferSlot, SourceDay, SourceSlot, TellingDay, TellingSlot
from dispatch.rollups import keeping
from dispatch.rollups.keeping import roll_up
from offers.models import Offer
from tests.dispatch.rollups.history import History
from tests.dispatch.rollups.recount import assert_exact
from tests.factories import make_click, make_conversion, make_delivery, make_offer

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


def test_the_delays_of_a_day_are_those_of_its_half_hours():
    offer, midnight = make_offer(), datetime(2026, 11, 20, tzinfo=UTC)
    for hours, seconds in ((-1, 2), (1, 2), (2, 2), (23, 40)):
        make_accepted(offer, midnight + timedelta(hours=hours), seconds)

    roll_up(midnight + timedelta(days=3), seconds=60)

    assert days_of_delays() == [{"2": 1}, {"2": 2, "40": 1}]
    assert_exact(midnight + timedelta(days=3))


def test_a_broken_day_of_delays_is_found_and_made_anew():
    make_accepted(make_offer(), datetime(2026, 11, 20, 6, tzinfo=UTC), 2)
    run()
    TellingDay.objects.update(delays={"9": 1})

    with pytest.raises(CommandError, match="differ from the rows"):
        run("--check")
    run()

    assert days_of_delays() == [{"2": 1}]


def test_a_later_answer_changes_the_delays_of_the_day_as_well():
    offer, at = make_offer(), datetime(2026, 11, 20, 6, tzinfo=UTC)
    make_accepted(offer, at, 2)
    late = make_delivery(make_conversion(make_click(offer, created_at=at), created_at=at))
    run()

    Delivery.objects.filter(pk=late.pk).update(status="accepted", accepted_at=at + timedelta(seconds=90))
    run()

    assert days_of_delays() == [{"2": 1, "90": 1}]


def test_days_of_delays_are_added_up_where_half_hours_were_there_before():
    offer, midnight = make_offer(), datetime(2026, 11, 20, tzinfo=UTC)
    for hours, seconds in ((-1, 2), (1, 2), (2, 2), (23, 40)):
        make_accepted(offer, midnight + timedelta(hours=hours), seconds)
    make_accepted(make_offer(), midnight, 3)
    run()
    TellingDay.objects.all().delete()

    import_module("dispatch.migrations.0017_delays_by_day").add_up(apps, None)

    assert days_of_delays() == [{"2": 1}, {"2": 2, "40": 1}, {"3": 1}]
    assert "nothing differs" in run("--check")


def test_a_pass_puts_days_right_as_well(history: History, caplog):
    make_accepted(history.offers[0], BEGIN, 2)
    run()
    TellingDay.objects.update(delays={"9": 1})
    SourceDay.objects.filter(pk=SourceDay.objects.last().pk).update(clicks=99)

    roll_up(history.now + timedelta(hours=1), seconds=60)

    assert "sums of 2026-11-19T00:00:00+00:00 were wrong" in caplog.text
    assert_exact(history.now)


def make_accepted(offer: Offer, at: datetime, seconds: int) -> None:
    sale = make_conversion(make_click(offer, created_at=at), created_at=at)
    make_delivery(sale, status="accepted", accepted_at=at + timedelta(seconds=seconds))


def days_of_delays() -> list[dict[str, int]]:
    return list(TellingDay.objects.order_by("offer_id", "starts_at").values_list("delays", flat=True))
