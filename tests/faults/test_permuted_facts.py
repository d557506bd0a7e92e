"""A network's facts about one sale, in any order, repeated, and with the sender at work in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversions import clock
from conversions.models import Click, Conversion
from dispatch import planning, sending
from dispatch.models import Delivery, Lane
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from tests.conversions.support import digest_everything
from tests.factories import make_click, make_credential, make_offer, make_postback
from tests.faults.exploring import exploring

pytestmark = pytest.mark.django_db
Status = Delivery.Status
FACTS = ["pending", "approved", "rejected", "refunded", "chargeback"]
TAKES_BACK = {"rejected", "refunded", "chargeback"}
SEND = "send"


def story(steps: list[str]) -> tuple[Click, list[str]]:
    """The click whose sale the steps are about, and the events that were sent on the way."""
    offer = make_offer()
    make_credential(offer.pixel)
    click, sent = make_click(offer), []
    for step in [*steps, SEND]:
        if step == SEND:
            sent += send_what_is_due(offer.pixel_id)
        else:
            make_postback(offer.network, {"click_id": click.pk, "txid": f"T-{click.pk}", "status": step, "payout": "5"})
            digest_everything()
    return click, sent


def send_what_is_due(pixel_id: int) -> list[str]:
    planning.plan(clock.now())
    parcels = sending.pack(Lane.objects.of(pixel_id), 1, clock.now(), trial=lambda: None)
    for parcel in parcels:
        sending.settle(parcel, Reply(Verdict.ACCEPTED, "OK"), clock.now())
    return [shipment.event["event_id"] for parcel in parcels for shipment in parcel.shipments]


@exploring(examples=15)
@given(facts=st.sets(st.sampled_from(FACTS), min_size=1), data=st.data())
def test_they_end_the_same_and_are_told_once(facts: set[str], data: st.DataObject):
    repeated = data.draw(st.lists(st.sampled_from([*sorted(facts), SEND]), max_size=5))
    steps = data.draw(st.permutations([*sorted(facts), *repeated]))

    straight, _ = story(sorted(facts, key=FACTS.index))
    click, sent = story(steps)

    conversions = [Conversion.objects.filter(click=one).values_list("status", "payout") for one in (straight, click)]
    assert list(conversions[0]) == list(conversions[1])
    assert len(sent) <= 1
    delivery = Delivery.objects.filter(conversion__click=click).first()
    assert bool(sent) == (delivery is not None and delivery.status == Status.ACCEPTED)
    if "approved" in facts and not facts & TAKES_BACK:
        assert sent
