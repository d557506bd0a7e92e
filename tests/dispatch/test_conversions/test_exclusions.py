"""Rows of tests are in no figure: each place that counts, with rows of one real sale and of one test."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from conversions import coverage
from conversions.admin import inbox, network
from conversions.attaching import suggested_clicks
from conversions.caps import sold
from conversions.digest import digest_batch
from conversions.earlier import clicks_brought
from conversions.models import Conversion, Postback, Upload, UploadRow
from conversions.outcomes import Outcome
from conversions.unmapped import unmapped_words
from conversions.uploads import comparing, reconciling
from dispatch import planning, standing
from dispatch.models import Delivery
from offers.models import Network, Offer, Pixel
from tests.factories import call_page_event, make_click, make_conversion, make_delivery, make_postback
from trackingsite import vitals

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def a_sale(offer: Offer, is_test: bool) -> None:
    """A click with a sale whose delivery waits, one whose delivery is dead, one unplanned, and a troubled postback."""
    marked = {"is_test": is_test}
    click = make_click(offer, **marked)
    rows = [make_conversion(click, transaction_id="T-1", **marked) for _ in range(3)]
    make_delivery(rows[0], **marked)
    make_delivery(rows[1], status="dead", reason="contract", **marked)
    make_postback(offer.network, {}, outcome=Outcome.UNMAPPED_STATUS, status_word="odd", **marked)
    Postback.objects.update(due_at=None)


def upload_of(offer: Offer) -> Upload:
    today = NOW.date()
    return Upload(network=offer.network, created_at=NOW, period_from=today, period_to=today)


def compared(offer: Offer) -> int:
    by_transaction, _ = comparing.conversions_of(upload_of(offer), [UploadRow(transaction_id="T-1", click_ref="")])
    return len(by_transaction["T-1"])


def pixel_vitals(offer: Offer) -> vitals.PixelVitals:
    return next(row for row in vitals.read_pixels(NOW + timedelta(hours=1)) if row.pixel == offer.pixel)


def candidate_clicks(offer: Offer) -> int:
    postback = Postback.objects.filter(is_test=False).get()
    return len(suggested_clicks(Postback(network=offer.network, received_at=postback.received_at)))


COUNTS: dict[str, tuple[int, Callable[[Offer], Any]]] = {
    "caps": (1, lambda offer: sold(offer, 100)),
    "coverage": (3, lambda offer: coverage.coverage_of(offer, [], timezone.now()).read),
    "arrivals": (1, lambda offer: coverage.arrivals_of(offer, timezone.now()).read),
    "unmapped statuses": (1, lambda offer: sum(line.count for line in unmapped_words())),
    "the inbox": (1, lambda offer: inbox.counts_of(["unmapped_status"], None)["unmapped_status"]),
    "the network's page": (1, lambda offer: sum(count for _, count, _ in network.counts_of(offer.network, NOW))),
    "unmapped of a network": (1, lambda offer: (network.unmapped_of(offer.network) or {})["count"]),
    "clicks to attach to": (1, candidate_clicks),
    "conversions a report lacks": (3, lambda offer: reconciling.ours(upload_of(offer)).count()),
    "conversions a report has": (3, compared),
    "dead letters by reason": (1, lambda offer: Delivery.objects.undecided_counts()["contract"]),
    "dead letters": (1, lambda offer: Delivery.objects.undecided().count()),
    "dead letters of a reason": (1, lambda offer: Delivery.objects.undecided_because("contract").count()),
    "what waits for a pixel": (1, lambda offer: standing.number_of(Delivery.objects.filter(status="waiting"))),
    "metrics: waiting": (1, lambda offer: pixel_vitals(offer).count("waiting")),
    "metrics: dead": (1, lambda offer: pixel_vitals(offer).queue["dead", "contract"]),
    "metrics: unplanned": (1, lambda offer: vitals.read_all(NOW).unplanned),
}


@pytest.mark.parametrize("place", COUNTS)
def test_a_test_counts_nowhere(offer: Offer, place: str):
    for is_test in (False, True):
        a_sale(offer, is_test)
    expected, count = COUNTS[place]

    assert count(offer) == expected


def test_a_test_is_no_sign_of_workers_that_stopped(offer: Offer):
    make_delivery(make_conversion(make_click(offer, is_test=True), is_test=True), is_test=True)
    later = timezone.now() + timedelta(hours=1)

    pixel: Any = standing.watched(Pixel.objects.filter(pk=offer.pixel_id), later).get()

    assert (pixel.due_since, pixel_vitals(offer).due_since) == (None, None)


@pytest.mark.parametrize("is_test", [True, False])
def test_what_comes_of_a_click_is_a_test_if_the_click_is_one(offer: Offer, is_test: bool):
    click = make_click(offer, is_test=is_test, consent="granted")
    call_page_event(click, "ViewContent")
    make_postback(offer.network, {"click_id": click.pk, "txid": "T-1", "status": "approved"})

    digest_batch(timezone.now())
    planning.plan(timezone.now())

    assert [row.is_test for row in (*Conversion.objects.all(), *Postback.objects.all())] == [is_test] * 3
    assert [row.is_test for row in Delivery.objects.all()] == [is_test] * 2
    assert (Network.objects.get().heard_at is None) == is_test


@pytest.mark.parametrize("is_test", [True, False])
def test_whoever_opens_a_page_under_a_tests_address_is_a_visitor_of_their_own(rf: RequestFactory, is_test: bool):
    click = make_click(is_test=is_test)

    brought = clicks_brought(click.pk, [click.pk], rf.get("/"), timezone.now())

    assert bool(brought) != is_test
