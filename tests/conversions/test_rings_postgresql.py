"""Nobody waits in a ring for the digest, which holds conversions and comes to their click at its commit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from conversions.browser_news import bring_up_to_date
from conversions.consent import record_answer
from conversions.digest import digest_batch
from conversions.models import Click, Conversion
from conversions.pixel.identifying import keep_identity
from tests.conversions.support import digest_everything
from tests.factories import call_page_event, make_click, make_conversion, make_offer, make_postback
from tests.second_connection import PATIENCE, meanwhile

pytestmark = pytest.mark.django_db(transaction=True)
ACTS: dict[str, Callable[[Click], Any]] = {
    "answer": lambda click: record_answer(click.pk, "denied", "banner", "https://landing.example/", timezone.now()),
    "identify": lambda click: keep_identity(click, {"email": "a@b.example"}),
    "visitor": lambda click: bring_up_to_date(click, {"robot": ""}),
}


def make_ready_click() -> Click:
    return make_click(make_offer(send_email=True), robot="prefetch")


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_a_page_learns_while_its_sales_are_digested_costs_neither(act: Callable[[Click], Any]):
    click = make_ready_click()
    call_page_event(click, "Purchase")
    for number in (1, 2):
        make_postback(click.offer.network, {"click_id": click.pk, "txid": f"T-{number}", "payout": "5"})

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            digest_batch(timezone.now())
            other = meanwhile(pool, lambda: act(click))
        other.result(PATIENCE)

    assert list(Conversion.objects.values_list("status", flat=True)) == ["approved"] * 2
    assert Click.objects.exclude(consent="unknown", robot="prefetch", email_sha256="").exists()


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_clicks_conversions_are_locked_in_the_order_of_their_keys(act: Callable[[Click], Any]):
    click = make_ready_click()
    first, second = make_conversion(click), make_conversion(click)
    Conversion.objects.filter(pk=first.pk).update(transaction_id="T-1")  # which puts it behind the other on disk

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Conversion.objects.select_for_update().get(pk=first.pk)
            other = meanwhile(pool, lambda: act(click))
            Conversion.objects.select_for_update(nowait=True).get(pk=second.pk)
        other.result(PATIENCE)

    assert Conversion.objects.unplanned().count() == 2


def test_the_digest_locks_them_so_too_where_one_gives_its_event_id_up():
    rules = [{"trigger": trigger, "event_name": "Purchase"} for trigger in ("approved", "upsell")]
    click = make_click(make_offer(rules))
    report(click, txid="T-1", status="approved")
    report(click, txid="T-2", status="chargeback")
    digest_everything()
    first, second = Conversion.objects.order_by("pk")

    report(click, txid="T-1", status="refunded")
    report(click, txid="T-2", status="upsell")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Conversion.objects.select_for_update().get(pk=first.pk)
            other = meanwhile(pool, digest_everything)
            Conversion.objects.select_for_update(nowait=True).get(pk=second.pk)
        other.result(PATIENCE)

    assert list(Conversion.objects.order_by("pk").values_list("kind", "status")) == [
        ("sale", "refunded"),
        ("upsell", "chargeback"),
    ]


def report(click: Click, **params: str) -> None:
    make_postback(click.offer.network, {"click_id": click.pk, "payout": "5", **params})
