"""A person is erased in the very moment in which something of theirs is taken in or sent: nothing of it stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from conversions.digest import digest_batch
from conversions.identity import sha256
from conversions.models import Click, Conversion, Erasure, Postback
from conversions.pixel.identifying import keep_identity
from conversions.traces import read_person
from dispatch import sending
from dispatch.erasure import erase
from dispatch.models import Delivery, DeliveryAttempt, Lane
from dispatch.sending import Parcel
from dispatch.tiktok.client import Reply
from dispatch.tiktok.codes import Verdict
from tests.factories import (
    call_page_event,
    make_click,
    make_conversion,
    make_credential,
    make_delivery,
    make_offer,
    make_postback,
)
from tests.second_connection import PATIENCE, meanwhile

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "jane.roe@example.com"
RULES = [
    {"trigger": "page", "event_name": "Lead", "value_source": "none"},
    {"trigger": "approved", "event_name": "Purchase", "value_source": "payout"},
]
Deed = Callable[[], Any]


def erase_now(click: Click) -> Deed:
    return lambda: erase(read_person(Erasure.Subject.CLICK, click.pk), None, timezone.now())


def erase_email() -> Any:
    return erase(read_person(Erasure.Subject.EMAIL, EMAIL), None, timezone.now())


def one_in_the_others_transaction(first: Deed, second: Deed) -> None:
    """The second begins, over another connection, when the first is done but not committed."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            late = meanwhile(pool, second)
        late.result(PATIENCE)


def in_both_orders(test: Any) -> Any:
    return pytest.mark.parametrize("erases_first", [True, False])(test)


def race(erasing: Deed, other: Deed, erases_first: bool) -> None:
    one_in_the_others_transaction(*((erasing, other) if erases_first else (other, erasing)))


def claimed(click: Click) -> Parcel:
    """A request with the click's event that is under way."""
    offer = click.offer
    make_credential(offer.pixel)
    make_delivery(make_conversion(click, email_sha256=sha256(EMAIL)))
    (parcel,) = sending.pack(Lane.objects.of(offer.pixel_id), 1, timezone.now(), lambda: None)
    return parcel


def settle(parcel: Parcel, verdict: Verdict) -> Deed:
    return lambda: sending.settle(parcel, Reply(verdict, "OK", 200, 0), timezone.now())


@pytest.mark.parametrize(("verdict", "status"), [(Verdict.ACCEPTED, "accepted"), (Verdict.TRANSIENT, "waiting")])
def test_what_was_under_way_ends_and_leaves_no_payload(verdict: Verdict, status: str):
    click = make_click(make_offer(RULES, send_email=True))
    parcel = claimed(click)

    erase_email()
    still_leased = Delivery.objects.get().status
    settle(parcel, verdict)()

    delivery, attempt = Delivery.objects.get(), DeliveryAttempt.objects.get()
    assert (still_leased, delivery.status, delivery.detail) == ("leased", status, "")
    assert (attempt.payload, attempt.message, attempt.verdict) == ({}, "", verdict)


@in_both_orders
def test_an_answer_that_is_settled_meanwhile_leaves_no_payload(erases_first: bool):
    click = make_click(make_offer(RULES))
    parcel = claimed(click)

    race(erase_now(click), settle(parcel, Verdict.ACCEPTED), erases_first)

    assert (DeliveryAttempt.objects.get().payload, Delivery.objects.get().status) == ({}, "accepted")


def test_an_erased_visitors_event_that_has_to_be_tried_again_is_not():
    click = make_click(make_offer(RULES))
    settle(claimed(click), Verdict.TRANSIENT)()
    erase_now(click)()

    later = timezone.now() + timedelta(hours=1)
    parcels = sending.pack(Lane.objects.of(click.offer.pixel_id), 1, later, lambda: None)

    assert (parcels, Delivery.objects.get().reason) == ([], "erased")


@in_both_orders
def test_a_call_that_is_digested_meanwhile_leaves_no_digest(erases_first: bool):
    click = make_click(make_offer(RULES), landing_url="https://landing.example/?who=jane")
    make_postback(click.offer.network, {"click_id": click.pk, "payout": "5"}, email_sha256=sha256(EMAIL))

    race(erase_email, lambda: digest_batch(timezone.now()), erases_first)

    conversion = Conversion.objects.get()
    assert (conversion.payout, conversion.email_sha256, conversion.page_url) == (5, "", "https://landing.example/")
    assert Postback.objects.get().email_sha256 == ""
    assert Click.objects.get().erased_at


@in_both_orders
def test_an_event_that_a_page_calls_meanwhile_keeps_no_query(erases_first: bool):
    click = make_click(make_offer(RULES))

    def call() -> None:
        call_page_event(click, "Lead", page_url="https://landing.example/?who=jane", said={"description": "her"})

    race(erase_now(click), call, erases_first)

    conversion = Conversion.objects.get()
    assert (conversion.page_url, conversion.page_properties) == ("https://landing.example/", None)


@in_both_orders
def test_who_a_page_says_it_is_meanwhile_is_not_kept(erases_first: bool):
    click, other = (make_click(make_offer(RULES, send_email=True)) for _ in range(2))
    make_conversion(click, email_sha256=sha256(EMAIL))

    race(erase_email, lambda: keep_identity(other, {"email": EMAIL}), erases_first)

    assert set(Click.objects.values_list("email_sha256", flat=True)) == {""}
