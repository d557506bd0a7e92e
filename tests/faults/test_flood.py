"""A flood is taken in sips: a worker's memory does not grow with what is due."""

from typing import Any

import pytest

from conversions.digest import digest_batch
from conversions.models import Conversion
from dispatch import clock, outbox, planning
from dispatch.models import Delivery
from dispatch.sender import REQUESTS_OF_A_PIXEL, Sender
from dispatch.tiktok.sandbox import Sandbox
from tests.factories import make_click, make_credential, make_offer, make_postback

pytestmark = pytest.mark.django_db(transaction=True)
FLOOD = 230


@pytest.fixture
def sips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many deliveries each claim has brought into memory."""
    taken: list[int] = []
    load = outbox.load

    def counted(*args: Any) -> list[Delivery]:
        found = load(*args)
        taken.append(len(found))
        return found

    monkeypatch.setattr(outbox, "load", counted)
    return taken


def test_whatever_is_due_is_digested_planned_and_claimed_in_small_pieces(
    sandbox: Sandbox, sips: list[int], settings: Any
):
    settings.TIKTOK_BATCH_SIZE = 10
    settings.TIKTOK_REQUESTS_PER_SECOND = 0
    offer = make_offer()
    make_credential(offer.pixel)
    for _ in range(FLOOD):
        make_postback(offer.network, {"click_id": make_click(offer).pk, "payout": "5"})

    assert digest_batch(clock.now(), limit=100) == 100
    while digest_batch(clock.now(), limit=100):
        pass
    assert planning.plan(clock.now(), limit=100) == 100
    Sender().turn()

    assert Conversion.objects.count() == FLOOD
    assert set(Delivery.objects.values_list("status", flat=True)) == {Delivery.Status.ACCEPTED}
    assert sum(sips) == len(sandbox.events()) == FLOOD
    assert max(sips) <= REQUESTS_OF_A_PIXEL * settings.TIKTOK_BATCH_SIZE
