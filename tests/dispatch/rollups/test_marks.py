"""What no new row announces, each way by itself; histories by chance may miss one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conversions.click_ids import first_click_id
from conversions.digest import digest_batch
from conversions.models import Click, Erasure
from conversions.pixel.identifying import keep_identity
from conversions.traces import Person
from dispatch import erasure, holding, outbox
from dispatch.models import Delivery, OfferSlot, StaleSlot, TellingSlot
from dispatch.rollups import keeping, rechecking
from dispatch.rollups.keeping import roll_up
from dispatch.rollups.slots import slot_of
from dispatch.rollups.stale import mark_stale
from offers.models import Offer
from tests.factories import (
    make_attempt,
    make_click,
    make_conversion,
    make_delivery,
    make_network,
    make_offer,
    make_postback,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=9)


@pytest.fixture(autouse=True)
def _marks_alone(monkeypatch):
    roll_up(NOW, seconds=60)
    monkeypatch.setattr(rechecking, "go_on", lambda *args: 0)
    monkeypatch.setattr(keeping, "PAUSE", 0)


def telling(delivery: Delivery) -> TellingSlot:
    return TellingSlot.objects.get(starts_at=slot_of(delivery.conversion.created_at))


def test_half_hours_of_conversions_are_marked_once_each():
    offer = make_offer()
    conversions = [make_conversion(make_click(offer), created_at=LONG_AGO) for _ in range(3)]

    mark_stale(conversions)

    assert StaleSlot.objects.get().starts_at == slot_of(LONG_AGO)


def test_a_row_that_is_committed_after_later_ones_is_counted():
    offer = make_offer()
    make_click(offer, created_at=NOW)
    roll_up(NOW)
    late = Click(id=first_click_id(NOW - timedelta(minutes=4)), offer=offer, created_at=LONG_AGO, landing_url="")

    roll_up(NOW + timedelta(minutes=1))
    late.save(force_insert=True)
    roll_up(NOW + timedelta(minutes=4))

    assert OfferSlot.objects.get(starts_at=slot_of(LONG_AGO)).clicks == 1


def test_what_is_settled_is_not_counted_again():
    make_click(created_at=NOW)

    made = [roll_up(NOW + timedelta(minutes=minutes)) for minutes in (0, 1, 6, 12, 18)]

    assert made == [1, 0, 0, 0, 0]


def test_a_click_with_an_id_of_no_time_is_found_by_a_pass(monkeypatch):
    monkeypatch.undo()
    make_click(id="z" * 26, created_at=NOW)

    roll_up(NOW + timedelta(hours=2))

    assert OfferSlot.objects.get().clicks == 1


def test_what_a_worker_has_taken_counts_as_sent_though_it_never_comes_back():
    delivery = make_delivery(make_conversion(created_at=LONG_AGO), next_attempt_at=NOW)
    roll_up(NOW)

    outbox.claim(delivery.pixel, NOW + timedelta(seconds=5), 10)
    roll_up(NOW + timedelta(seconds=15))

    assert OfferSlot.objects.get(event_name="Purchase").sent == 1


def test_an_offer_that_leaves_its_network_takes_its_transactions_along():
    offers = [make_offer(network=network) for network in [make_network()] * 2]
    for offer in offers:
        make_conversion(make_click(offer), created_at=LONG_AGO, transaction_id="t1")
    roll_up(NOW)
    assert OfferSlot.objects.get(offer=offers[1], event_name="Purchase").doubles == 1

    Offer.objects.filter(pk=offers[0].pk).update(network=make_network(slug="another"))
    roll_up(NOW)

    assert OfferSlot.objects.get(offer=offers[1], event_name="Purchase").doubles == 0


def test_what_was_held_too_long_counts_as_suppressed():
    conversion = make_conversion(created_at=LONG_AGO, occurred_at=LONG_AGO)
    delivery = make_delivery(conversion, status="held", reason="consent_unknown")
    roll_up(NOW)

    holding.give_up_too_old(NOW)
    roll_up(NOW)

    assert (telling(delivery).held, telling(delivery).suppressed, telling(delivery).reasons) == (0, 1, {"too_old": 1})


def test_who_is_erased_is_no_longer_counted_by_their_identifiers():
    delivery = make_delivery(make_conversion(created_at=LONG_AGO), status="accepted", accepted_at=NOW)
    roll_up(NOW)
    assert (telling(delivery).with_ttclid, telling(delivery).with_browser) == (1, 1)

    erasure.erase(Person(Erasure.Subject.CLICK, delivery.conversion.click_id), None, NOW)
    roll_up(NOW)

    assert (telling(delivery).with_ttclid, telling(delivery).with_browser, telling(delivery).accepted) == (0, 0, 1)


def test_sales_are_counted_by_what_their_visitor_tells_later():
    offer = make_offer(send_email=True)
    buyer, other = make_click(offer, created_at=LONG_AGO), make_click(offer)
    delivery = make_delivery(make_conversion(buyer, created_at=LONG_AGO), status="accepted")
    roll_up(NOW)

    for click in (buyer, other):
        keep_identity(click, {"email": "a@b.example"})
    marks = set(StaleSlot.objects.values_list("starts_at", flat=True))
    roll_up(NOW)

    assert (marks, telling(delivery).with_email) == ({slot_of(LONG_AGO)}, 1)


def test_the_network_parameter_that_names_the_event_decides_on_doubles():
    offer = make_offer([{"trigger": "approved", "event_name": "Purchase"}])
    click = make_click(offer)
    roll_up(timezone.now(), seconds=60)
    for goal in ("lead", "card"):
        sale = {"click_id": click.pk, "txid": f"T-{goal}", "status": "approved", "payout": "40", "g": goal}
        make_postback(offer.network, sale)
    digest_batch(timezone.now())
    roll_up(timezone.now(), seconds=60)
    before = OfferSlot.objects.get(event_name="Purchase").doubles

    offer.network.parameter_names = {"event": "g"}
    offer.network.save()
    roll_up(timezone.now(), seconds=60)

    assert (before, OfferSlot.objects.get(event_name="Purchase").doubles) == (1, 0)


def test_an_older_sale_that_learns_its_transaction_makes_a_double_of_the_newer_one():
    offer = make_offer()
    older = make_conversion(make_click(offer), created_at=LONG_AGO)
    make_conversion(make_click(offer), created_at=NOW, transaction_id="t1")
    roll_up(NOW)

    older.transaction_id = "t1"
    older.save()
    StaleSlot.objects.mark_kin([older.pk])
    roll_up(NOW)

    doubles = OfferSlot.objects.exclude(event_name="").order_by("starts_at").values_list("doubles", flat=True)
    assert list(doubles) == [0, 1]


def test_figures_outlive_the_rows_that_retention_prunes(settings):
    settings.RETENTION_ATTEMPT_DAYS = settings.RETENTION_VISITOR_DAYS = 5
    click = make_click(created_at=LONG_AGO)
    delivery = make_delivery(make_conversion(click, created_at=LONG_AGO), status="accepted", accepted_at=NOW)
    attempt = make_attempt(delivery)
    roll_up(NOW)

    attempt.delete()
    Click.objects.filter(pk=click.pk).update(ip=None, user_agent="")
    mark_stale([delivery.conversion])
    roll_up(NOW)

    assert (telling(delivery).tried, telling(delivery).with_browser) == (1, 1)
