from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import QuerySet

from conversions.models import Conversion
from dispatch.diagnosis.doubles import original_of
from dispatch.models import StaleSlot
from dispatch.rollups import keeping, rechecking
from dispatch.rollups.doubles import doubles_among
from dispatch.rollups.keeping import as_of, roll_up
from dispatch.rollups.renamed import words_of
from offers.models import Offer
from tests.dispatch.rollups.history import History
from tests.dispatch.rollups.recount import assert_exact, recounted

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 11, 20, 21, 40, tzinfo=UTC)  # a day of UTC ends meanwhile


@pytest.fixture(autouse=True)
def _as_in_production(monkeypatch, settings):
    settings.PUBLIC_BASE_URL = "https://track.example"  # where nobody's address is a private one
    monkeypatch.setattr(keeping, "PAUSE", 0)


@pytest.fixture
def _no_passes(monkeypatch):
    """What marks have missed is not mended by looking at everything again."""
    roll_up(BEGIN, seconds=60)
    monkeypatch.setattr(rechecking, "go_on", lambda *args: 0)


@pytest.mark.usefixtures("_no_passes")
@pytest.mark.parametrize("seed", range(2))
def test_sums_are_exact_at_any_time_of_any_history(seed: int):
    history = History(seed, BEGIN)

    for acts in (25, 25, 25):
        history.go_on(acts)
        roll_up(history.now, seconds=60)
        assert_exact(history.now)

    history.now += timedelta(days=1, hours=2)
    roll_up(history.now, seconds=60)
    assert_exact(history.now)
    assert (as_of(), StaleSlot.objects.exists()) == (history.now, False)


def test_what_was_there_before_is_filled_in_and_doubles_are_those_that_a_trace_names():
    history = History(8, BEGIN)
    history.go_on(60)

    roll_up(history.now, seconds=60)

    found = {key for offer in history.offers for key in doubles_among(of(offer), offer.network_id, {"Purchase"})}
    assert found == {conversion.pk for offer in history.offers for conversion in of(offer) if is_traced(conversion)}
    assert found
    assert_exact(history.now)
    assert rechecking.filled_to() is None
    assert recounted(history.now)["telling"]


def of(offer: Offer) -> "QuerySet[Conversion]":
    return Conversion.objects.filter(offer=offer, event_name="Purchase", is_test=False)


def is_traced(conversion: Conversion) -> bool:
    others = list(Conversion.objects.select_related("offer").exclude(pk=conversion.pk))
    reported = {other.pk: list(other.ledger_entries.all()) for other in [conversion, *others]}
    words = words_of(reported)
    return original_of(conversion, others, reported, conversion.offer.event_rules.all(), words) is not None
